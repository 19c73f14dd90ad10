"""Typed, frozen pydantic models of a system's configuration. They are not machine-learning models.

Nothing here talks to Pulumi, a cluster or the disk. The input is plain data: the stack's ``slipway:`` namespace and one
catalogue entry. The result is one frozen :class:`models.system.SystemSpec`, or a
:class:`models.errors.ConfigurationError` with one line for each fault.
"""
