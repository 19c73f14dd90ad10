"""BentoML services, one for each way that its documentation offers: adaptive batching or not, in a thread or not."""

import bentoml
import numpy as np
from onnx_session import MOST_TOGETHER, probabilities

SERVICE = {"workers": 1, "logging": {"access": {"enabled": False}}}
# Adaptive batching answers 503 to what it cannot answer within this; its patience follows the times that it measures.
LATENCY_MS = 1000


@bentoml.service(name="together", **SERVICE)
class Together:
    """Adaptive batching; each batch is computed in a worker thread."""

    def __init__(self):
        self._probabilities = probabilities()

    @bentoml.api(batchable=True, max_batch_size=MOST_TOGETHER, max_latency_ms=LATENCY_MS)
    def predict(self, measurements: np.ndarray) -> np.ndarray:
        """Compute."""
        return self._probabilities(measurements)


@bentoml.service(name="together-on-loop", **SERVICE)
class TogetherOnLoop:
    """Adaptive batching; each batch is computed on the event loop."""

    def __init__(self):
        self._probabilities = probabilities()

    @bentoml.api(batchable=True, max_batch_size=MOST_TOGETHER, max_latency_ms=LATENCY_MS)
    async def predict(self, measurements: np.ndarray) -> np.ndarray:
        """Compute."""
        return self._probabilities(measurements)


@bentoml.service(name="alone-on-loop", **SERVICE)
class AloneOnLoop:
    """Each request alone, on the event loop."""

    def __init__(self):
        self._probabilities = probabilities()

    @bentoml.api
    async def predict(self, measurements: np.ndarray) -> np.ndarray:
        """Compute."""
        return self._probabilities(measurements)
