"""Model files: fetch, verify, cache, publish, and load as ONNX."""
