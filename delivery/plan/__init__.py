"""The stages of a release and what they cost, computed before the first one starts."""
