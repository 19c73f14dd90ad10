"""The programs of the embedded default, built from pinned and checksummed Go modules: see README.md."""
