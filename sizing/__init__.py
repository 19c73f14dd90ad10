"""How many pods a load needs: queueing formulas, a simulation, and the report of ``slipway size``."""
