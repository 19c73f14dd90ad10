"""What a server tells of itself: metrics, logs and the request's trace."""
