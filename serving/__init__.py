"""The model server: one process that serves one role over HTTP.

The folder is both the build context of the image and an importable package. It does not import the Pulumi program, so
the image can be built, tested and replaced without it.
"""

import os

# onnxruntime >= 1.29 reports models, devices and a machine identifier to its vendor unless this variable is set before
# the first import; setting it later stops only part of the reports. A model server must not disclose what it serves.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
