"""Pure functions from models to manifest arguments; nothing here registers a resource."""
