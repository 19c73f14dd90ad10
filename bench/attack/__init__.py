"""Attacks on a real model server process: memory, answers, and what other clients notice."""
