"""Shows status, plans, progress and history to people and programs."""
