"""The model as all three peers compute it: file, threads and options of serving/models/onnx.py on one core."""

import os

import numpy as np
import onnxruntime

INPUT, OUTPUT = "measurements", "probabilities"
MOST_TOGETHER = 64
"""Rows of a batch: what our model's metadata.json says."""


def probabilities():
    """A function from rows [n, 30] to probabilities [n, 2]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        os.environ["BENCH_MODEL"], sess_options=options, providers=["CPUExecutionProvider"]
    )
    return lambda rows: session.run([OUTPUT], {INPUT: np.asarray(rows, np.float32)})[0]
