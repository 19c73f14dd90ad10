"""Shared code of all trainings."""
