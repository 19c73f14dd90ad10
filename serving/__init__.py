"""The model server: one process that answers pictures with digits.

The folder is both the build context of the image and an importable package. It imports nothing of the Pulumi program,
so that an image can be built, tested and replaced without it.
"""
