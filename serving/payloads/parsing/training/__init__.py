"""Training of the human parser: pictures, graph, fitting and quantization. Not part of the server."""
