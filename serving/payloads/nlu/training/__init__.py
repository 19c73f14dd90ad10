"""Training of the language model: its examples, its network in numpy, and its ONNX export. Not part of the image."""
