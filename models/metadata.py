"""Labels and annotations for other software, such as a service mesh, a log collector or a cost report."""

from typing import Annotated

from pydantic import AfterValidator, Field

from models.base import Model
from models.limits import AnnotationsFit
from models.vocabulary import LabelKey, LabelValue

OWN_PREFIXES = ("slipway.dev/", "pulumi.com/", "app.kubernetes.io/name", "app.kubernetes.io/part-of")
OWN_ROUTE_PREFIXES = (
    *OWN_PREFIXES,
    "cert-manager.io/cluster-issuer",
    "nginx.ingress.kubernetes.io/canary",
    "nginx.ingress.kubernetes.io/limit-",
    "nginx.ingress.kubernetes.io/affinity",
    "nginx.ingress.kubernetes.io/session-cookie-",
    "nginx.ingress.kubernetes.io/proxy-body-size",
    "nginx.ingress.kubernetes.io/proxy-request-buffering",
    "nginx.ingress.kubernetes.io/proxy-read-timeout",
    "nginx.ingress.kubernetes.io/proxy-send-timeout",
)


def _free(key: str) -> str:
    if key.startswith((*OWN_PREFIXES, "app.kubernetes.io/managed-by")):
        raise ValueError("Slipway sets this key; choose another key")
    return key


def _free_route(key: str) -> str:
    if key.startswith(OWN_ROUTE_PREFIXES):
        raise ValueError("Slipway sets this key from the settings of the route; use those settings")
    return key


FreeKey = Annotated[LabelKey, AfterValidator(_free)]
Annotations = Annotated[dict[LabelKey, str], AnnotationsFit]
"""Annotations of an object on which Slipway sets none of its own."""
RouteAnnotations = Annotated[dict[Annotated[LabelKey, AfterValidator(_free_route)], str], AnnotationsFit]


class PodMetadata(Model):
    """Labels and annotations that every pod of a service gets in addition to Slipway's own."""

    labels: dict[FreeKey, LabelValue] = Field(default_factory=dict, description="labels of the pods")
    annotations: Annotated[dict[FreeKey, str], AnnotationsFit] = Field(
        default_factory=dict, description="annotations of the pods"
    )
