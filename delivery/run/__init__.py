"""Carries a release through its stages, forward and back."""
