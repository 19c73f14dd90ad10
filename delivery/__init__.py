"""Carries out releases: the driver, the gate, evidence, promotion, and the ``slipway`` command."""
