"""What a system is: typed, frozen configuration models (pydantic), not machine-learning models.

Nothing here talks to Pulumi, a cluster or the disk. Plain data comes in (the stack's ``slipway:`` namespace and one
catalogue entry), one frozen :class:`models.system.SystemSpec` comes out, or a :class:`models.errors.ConfigurationError`
that names every fault on a line of its own.
"""
