"""The embedded default: a toolchain and a real single-node Kubernetes on this machine. See README.md."""
