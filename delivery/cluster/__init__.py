"""Reads a slot's pods from the API server, and writes the field that splits traffic."""
