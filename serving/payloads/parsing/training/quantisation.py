"""The INT8 variant: static quantization, with ranges from pictures that are neither trained on nor held out."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from onnxruntime import quantization
from PIL import Image

from serving.payloads.parsing.letterbox import place
from serving.payloads.parsing.model import INPUT
from serving.payloads.parsing.training.people import CALIBRATION, pictures

# Operators with fast integer kernels. Pooling, Abs and Softmax stay floats: their integer forms are slower, and the
# next stage depends on the precision of the Softmax outputs.
_OPERATORS = ["Conv", "Add", "Relu", "Concat"]
_quantization = cast("Any", quantization)


class _Calibration(_quantization.CalibrationDataReader):
    """Supplies pictures one by one."""

    def __init__(self, count: int) -> None:
        self._feed: Iterator[dict[str, NDArray[np.float32]]] = (
            {INPUT: place(Image.fromarray(picture.pixels))[0][np.newaxis]} for picture in pictures([CALIBRATION], count)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next picture, or None after the last."""
        return next(self._feed, None)


def quantise(onnx: bytes, calibration: int) -> bytes:
    """Return the same network with integer convolutions; weights have a scale per channel."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.onnx", Path(folder) / "made.onnx"
        given.write_bytes(onnx)
        _quantization.quantize_static(
            str(given),
            str(made),
            _Calibration(calibration),
            # Not QDQ: onnxruntime fuses too little of it here, and the result is slower than the float network.
            quant_format=_quantization.QuantFormat.QOperator,
            op_types_to_quantize=_OPERATORS,
            per_channel=True,
            activation_type=_quantization.QuantType.QUInt8,
            weight_type=_quantization.QuantType.QInt8,
        )
        return made.read_bytes()
