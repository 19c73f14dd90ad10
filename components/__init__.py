"""Pulumi components. The pure functions under ``manifests`` turn models into Kubernetes manifests.

``system.py`` composes the components, which do not depend on each other. Nothing here reads configuration.
"""
