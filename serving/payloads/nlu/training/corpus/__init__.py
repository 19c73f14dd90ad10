"""The generated corpus: templates filled from lexicons. Some of both are never trained on. Not part of the image."""
