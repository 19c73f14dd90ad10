"""Entry point of the image: the server of Chroma, straight from the library that its wheel carries.

The package's own command imports its client first, and with it 80 packages that a server never uses; the library alone
starts in 0.1 s and needs 60 MB. It reports nothing to anybody: telemetry lives in the client.
"""

import sys

import chromadb_rust_bindings

if __name__ == "__main__":
    chromadb_rust_bindings.cli(["chroma", *sys.argv[1:]])
