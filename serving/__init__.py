"""The model server: one process that answers pictures with digits.

The folder is both the build context of the image and an importable package. It imports nothing of the Pulumi program,
so that an image can be built, tested and replaced without it.
"""

import os

# onnxruntime >= 1.29 reports models, devices and an identifier of the machine to its vendor, unless this is set before
# it is first imported; what is set afterwards stops only a part. A model server tells nobody what it serves.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
