"""How many pods a load takes: queueing formulas, a simulation, and the report of ``slipway size``."""
