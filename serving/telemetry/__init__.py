"""A server's telemetry: metrics, logs and the request's trace."""
