"""The roles of the image.

`python -m serving <role>` imports `serving.payloads.<role>` and serves its `PAYLOAD`; no other role is imported, so
that none pays for another's packages.
"""
