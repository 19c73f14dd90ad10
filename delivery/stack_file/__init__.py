"""Reads, edits and merges a stack file by key, and leaves every other byte unchanged."""
