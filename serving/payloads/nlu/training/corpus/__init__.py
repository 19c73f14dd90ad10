"""The generated corpus: templates filled from lexicons. Parts of both are held out. Not part of the image."""
