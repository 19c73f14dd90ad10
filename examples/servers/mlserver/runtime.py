"""A custom inference runtime of MLServer, as its documentation has it: is this transaction unlike the others?"""

import json
import os
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse

MODEL = Path(os.environ.get("MODEL", "/app/model.json"))


class Anomaly(MLModel):
    """The Mahalanobis distance of each row, and whether it is beyond that of 99 % of the rows seen in training."""

    async def load(self):
        """Load the model; MLServer is ready after that."""
        loaded = json.loads(MODEL.read_text("utf-8"))
        self.mean, self.inverse = np.array(loaded["mean"]), np.array(loaded["inverse"])
        self.limit = loaded["limit"]
        return True

    async def predict(self, payload):
        """Answer a request of the Open Inference Protocol."""
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        if rows.ndim != 2 or rows.shape[1] != len(self.mean):
            raise InferenceError(f"{payload.inputs[0].name}: send rows of {len(self.mean)} numbers")
        away = rows - self.mean
        distance = np.sqrt(np.einsum("ni,ij,nj->n", away, self.inverse, away))
        outputs = {"distance": distance, "unusual": (distance > self.limit).astype(np.int64)}
        found = [NumpyCodec.encode_output(name, values) for name, values in outputs.items()]
        return InferenceResponse(model_name=self.name, outputs=found)
