"""Releases in motion: driver, gate, evidence, promotion, and the ``slipway`` command."""
