"""Classify a wine as one of three cultivars from 13 measurements: the payload of docs/tutorial.md."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import fault_of, refusal
from serving.http.uploads import read_body
from serving.models.onnx import Metadata, OnnxModel, load_model
from serving.models.tensors import DYNAMIC, Tensor
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service
from serving.telemetry.metrics import Telemetry

# Thirteen numbers. A body of 5 MiB could hold a million unknown keys, and pydantic reports each of them.
MOST_BYTES = 16 * 1024
INPUT, OUTPUT = "measurements", "probabilities"
CULTIVARS = ("barolo", "grignolino", "barbera")


class Wine(BaseModel):
    """The body of POST /predict; units as in scikit-learn's wine data set."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    alcohol: float = Field(ge=0, description="percent by volume")
    malic_acid: float = Field(ge=0, description="g/l")
    ash: float = Field(ge=0, description="g/l")
    alcalinity_of_ash: float = Field(ge=0, description="meq/l")
    magnesium: float = Field(ge=0, description="mg/l")
    total_phenols: float = Field(ge=0)
    flavanoids: float = Field(ge=0)
    nonflavanoid_phenols: float = Field(ge=0)
    proanthocyanins: float = Field(ge=0)
    color_intensity: float = Field(ge=0)
    hue: float = Field(ge=0)
    od280_od315: float = Field(ge=0, description="absorbance at 280 nm over that at 315 nm")
    proline: float = Field(ge=0, description="mg/l")


EXAMPLE = Wine(
    alcohol=13, malic_acid=2.3, ash=2.4, alcalinity_of_ash=19, magnesium=100, total_phenols=2.3, flavanoids=2,
    nonflavanoid_phenols=0.4, proanthocyanins=1.6, color_intensity=5, hue=1, od280_od315=2.6, proline=750,
)  # fmt: skip
"""Approximately the mean of the data set; used for the warm-up."""


@dataclass(frozen=True)
class Taster:
    """The loaded model; thread-safe."""

    onnx: OnnxModel[Metadata]

    def scores(self, wine: Wine, telemetry: Telemetry | None = None) -> dict[str, float]:
        """Return each cultivar's probability."""
        row = np.array([list(wine.model_dump().values())], dtype=np.float32)
        with telemetry.inference_seconds.time() if telemetry else nullcontext():
            found = self.onnx.infer({INPUT: row}, [OUTPUT])[OUTPUT][0]
        return {cultivar: round(float(score), 6) for cultivar, score in zip(CULTIVARS, found, strict=True)}


def load_taster(folder: Path, intra_op_threads: int) -> Taster:
    """Verify and load the model of a folder.

    Raises:
        ModelUnusableError: a file is missing or damaged, or has the wrong shape.
    """
    onnx = load_model(folder, intra_op_threads, Metadata)
    inputs = [Tensor(INPUT, "FP32", (DYNAMIC, len(Wine.model_fields)))]
    outputs = [Tensor(OUTPUT, "FP32", (DYNAMIC, len(CULTIVARS)))]
    return Taster(onnx.require(folder, inputs=inputs, outputs=outputs))


def _load(context: Context) -> Taster:
    return load_taster(context.model_folder, context.threads.intra_op)


def _routes(service: Service[Taster]) -> list[Route]:
    async def predict(request: Request) -> Response:
        try:
            scores = await service.compute(
                lambda: read_body(request, MOST_BYTES),
                lambda taster, body: taster.scores(Wine.model_validate_json(body), service.telemetry),
            )
        except ValidationError as error:
            raise refusal(422, f"{fault_of(error)}; send the {len(Wine.model_fields)} measurements") from error
        best = max(scores, key=lambda cultivar: scores[cultivar])
        return JSONResponse({"cultivar": best, "scores": scores, "served_by": service.identity.served_by()})

    return [Route("/predict", predict, methods=["POST"])]


PAYLOAD = Payload(
    load=_load,
    routes=_routes,
    warm_up=lambda _: [WarmUp(path="/predict", body=EXAMPLE.model_dump_json().encode())],
    tensors=lambda taster: taster.onnx,
    default_model_name="wine",
)
