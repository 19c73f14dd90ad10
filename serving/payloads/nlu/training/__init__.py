"""Training of the language model: its examples, its network in numpy, and its way into ONNX. Not part of the image."""
