"""Training of the digit classifier: runs in a stage of the image build, and is not part of the image."""
