"""Tests of the human parser."""
