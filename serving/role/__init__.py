"""A role at runtime: its definition, and how it is loaded, warmed up, reloaded and drained."""
