"""LitServe as its documentation has it for production.

`python litserve_server.py <port> <batch size> <batch timeout, s> fast|usual`
"""

import sys

import litserve
import numpy as np
from onnx_session import probabilities


class Tumours(litserve.LitAPI):
    """One ONNX model in a worker process; its process for HTTP sends it what arrives."""

    def setup(self, device):
        """Open the model."""
        del device
        self._probabilities = probabilities()

    def decode_request(self, request):
        """Rows of a request."""
        return np.asarray(request["measurements"], np.float32)

    def predict(self, x):
        """Compute."""
        return self._probabilities(x)

    def encode_response(self, output):
        """Plain JSON."""
        return {"probabilities": output.tolist()}


class Together(Tumours):
    """Several requests in one inference; each of ours has one row."""

    def batch(self, inputs):
        """Put rows together."""
        return np.concatenate(inputs)

    def unbatch(self, output):
        """Take them apart."""
        return np.split(output, len(output))


if __name__ == "__main__":
    port, size, seconds, queue = sys.argv[1:]
    api = Tumours() if size == "1" else Together(max_batch_size=int(size), batch_timeout=float(seconds))
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=queue == "fast")
    server.run(host="127.0.0.1", port=int(port), log_level="warning", generate_client_file=False)
