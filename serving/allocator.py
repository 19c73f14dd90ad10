"""The C allocator of the process: it returns large blocks to the system as soon as they are free."""

import ctypes
from contextlib import suppress

MOST_KEPT = 1 << 20
"""Bytes of the largest block that comes from the heap. A larger block is mapped on its own.

glibc raises this limit to at most 32 MiB when a mapped block is freed. The heap then keeps the memory of former bodies
and pictures: 350 MiB after the attacks of `make attack`, instead of 180.
"""
_M_MMAP_THRESHOLD = -3


def give_large_blocks_back() -> None:
    """Fix the size above which each block is mapped on its own; do nothing if the C library has no such setting."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MOST_KEPT)
