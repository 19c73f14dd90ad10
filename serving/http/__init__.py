"""The HTTP side of a server: its routes, its requests, and how it starts and drains."""
