"""Tier 2: what only the real engine, API server, kubelet and proxy can prove. `make e2e` runs it after `make up`."""
