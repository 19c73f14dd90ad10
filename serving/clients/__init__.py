"""Clients for what a server calls: other services and Redis."""
