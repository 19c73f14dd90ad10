"""Request counts of a service's slots, read from Prometheus or from the pods themselves."""
