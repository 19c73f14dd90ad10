"""Model files: fetched, checked, cached, published, and loaded as ONNX."""
