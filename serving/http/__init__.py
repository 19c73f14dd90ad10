"""The HTTP side of a server: its routes and requests, and how it starts and drains."""
