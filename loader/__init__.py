"""The loader: fetches one model into a folder, verifies it and publishes it, before any server starts."""
