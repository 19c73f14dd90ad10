"""Lets one driver work on a stack: a lock file for this checkout, and a Lease in the cluster for all machines."""
