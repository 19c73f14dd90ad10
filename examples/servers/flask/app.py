"""A Flask application as its authors wrote it: it names the clothes of a person by their colours."""

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image, UnidentifiedImageError

MODEL = Path(os.environ.get("MODEL", "/app/model.npz"))
app = Flask(__name__)
loaded = np.load(MODEL)
CENTERS, LABELS = loaded["centers"], [str(label) for label in loaded["labels"]]
BAD_REQUEST = 400


@app.get("/health")
def health() -> Response:
    """Return what the published clients expect."""
    return jsonify(status="healthy", model_loaded=len(LABELS) > 0, timestamp=datetime.now(UTC).isoformat())


@app.post("/parse")
def parse() -> tuple[Response, int]:
    """Return the share of each label in the uploaded picture, the largest first."""
    uploaded = request.files.get("image")
    if uploaded is None:
        return jsonify(error="send a picture as the form field image"), BAD_REQUEST
    try:
        picture = Image.open(io.BytesIO(uploaded.read())).convert("RGB").resize((64, 64))
    except UnidentifiedImageError:
        return jsonify(error="the field image is not a picture"), BAD_REQUEST
    pixels = np.asarray(picture, dtype=np.float32).reshape(-1, 1, 3)
    nearest = ((pixels - CENTERS) ** 2).sum(axis=2).argmin(axis=1)
    shares = np.bincount(nearest, minlength=len(LABELS)) / nearest.size
    order = shares.argsort()[::-1]
    return jsonify(result=[[int(index), LABELS[index], float(shares[index])] for index in order]), 200
