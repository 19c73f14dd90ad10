"""Pulumi components, and under ``manifests`` the pure functions that turn a model into what Kubernetes is told.

``system.py`` composes; the other components do not know each other. Nothing here reads configuration.
"""
