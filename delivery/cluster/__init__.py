"""The cluster's API server: pods of a slot, and the field that splits its traffic."""
