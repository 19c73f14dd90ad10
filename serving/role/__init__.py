"""A role at work: what it is, and how it is loaded, warmed, renewed and drained."""
