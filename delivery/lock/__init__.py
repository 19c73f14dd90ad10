"""Who drives a stack: a lock in this checkout, and a Lease in the cluster for every other machine."""
