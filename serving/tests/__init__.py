"""Tests of the model server: no network beyond loopback, no cluster."""
