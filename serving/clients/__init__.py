"""What a server asks: other services, and Redis."""
