"""A LitServe server as its authors wrote it: it predicts the hour at which a house uses how much electricity."""

import os
from pathlib import Path

import litserve
import numpy as np
from fastapi import HTTPException

MODEL = Path(os.environ.get("MODEL", "/app/model.npz"))
HOURS = 24


class Demand(litserve.LitAPI):
    """A regression on the hour's harmonics and the temperature."""

    def setup(self, device):
        """Load the model in the worker process."""
        loaded = np.load(MODEL)
        self.weights, self.harmonics = loaded["weights"], int(loaded["harmonics"])

    def decode_request(self, request):
        """Return the features of an hour and a temperature."""
        try:
            hour, celsius = float(request["hour"]), float(request["celsius"])
        except (KeyError, TypeError, ValueError):
            raise HTTPException(400, 'send {"hour": 19, "celsius": 5}') from None
        angles = 2 * np.pi * hour / HOURS * np.arange(1, self.harmonics + 1)
        return np.concatenate([[1.0, celsius, celsius**2], np.sin(angles), np.cos(angles)])

    def predict(self, features):
        """Return kilowatts."""
        return float(features @ self.weights)

    def encode_response(self, output):
        """Return plain JSON."""
        return {"kilowatts": round(output, 3)}


if __name__ == "__main__":
    server = litserve.LitServer(Demand(), accelerator="cpu", workers_per_device=1, timeout=10)
    server.run(host="0.0.0.0", port=8000, generate_client_file=False, log_level="warning")
