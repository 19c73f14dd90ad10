"""A custom inference runtime, as MLServer's documentation has it; `model-settings.json` beside the model names it."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
from onnx_session import OUTPUT, probabilities


class Tumours(MLModel):
    """One ONNX model; MLServer puts requests together before `predict`, where its settings say so."""

    async def load(self):
        """Open the model."""
        self._probabilities = probabilities()
        return True

    async def predict(self, payload):
        """Compute on the event loop, as the documentation's examples do."""
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        answer = NumpyCodec.encode_output(OUTPUT, self._probabilities(rows))
        return InferenceResponse(model_name=self.name, outputs=[answer])
