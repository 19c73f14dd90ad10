"""Releases under 200 requests/s: the good, the bad, the times, and what a kill leaves."""
