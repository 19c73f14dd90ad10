"""One release of a service: its stack, its record, its evidence, and the rules for all three."""
