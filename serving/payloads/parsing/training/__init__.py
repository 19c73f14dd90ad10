"""What trains the human parser: its pictures, its graph, its fitting and its quantisation. Not part of the server."""
