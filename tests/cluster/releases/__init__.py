"""Releases under 200 requests/s: good and bad versions, times, and killed drivers."""
