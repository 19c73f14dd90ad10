"""The loader of models: fetches one model into a folder, verifies it and publishes it. It runs before any server."""
