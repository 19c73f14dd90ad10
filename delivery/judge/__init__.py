"""The gate: compares the new slot with the live one, and decides pass, fail or not yet."""
