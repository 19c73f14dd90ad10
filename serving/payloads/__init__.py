"""The roles of the image.

`python -m serving <role>` imports `serving.payloads.<role>` and serves its `PAYLOAD`. Other roles are not imported, so
that a role does not load another role's packages.
"""
