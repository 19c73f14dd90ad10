"""What people and programs are shown: status, plans, progress and history."""
