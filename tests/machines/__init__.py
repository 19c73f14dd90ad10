"""`make up` on stock machines: guests made by debootstrap, booted by QEMU, with the compiled caches and no network."""
