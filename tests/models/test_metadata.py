"""Labels and annotations that others read, beside our own."""

import pytest

from models.metadata import PodMetadata
from models.routing import Route
from tests.models.tables import (
    LABEL,
    OURS,
    TEXT,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import refused

ACCEPTED: Accepted = [
    (PodMetadata, {}),
    (PodMetadata, {"labels": {"sidecar.istio.io/inject": "true", "team": ""}}),
    (PodMetadata, {"annotations": {"example.com/log": "any text: at all\n"}}),
    (Route, {"host": "a.example", "annotations": {"nginx.ingress.kubernetes.io/enable-cors": "true"}}),
]
REFUSED: Refused = [
    (PodMetadata, {"labels": {"a b": "x"}}, f"labels.a b: 'a b': {LABEL}"),
    (PodMetadata, {"labels": {"team": "a b"}}, f"labels.team: 'a b': {LABEL}"),
    (PodMetadata, {"labels": {"team": True}}, f"labels.team: True: {TEXT}"),
    (PodMetadata, {"labels": {"slipway.dev/slot": "blue"}}, f"labels.slipway.dev/slot: 'slipway.dev/slot': {OURS}"),
    (
        PodMetadata,
        {"labels": {"app.kubernetes.io/name": "web"}},
        f"labels.app.kubernetes.io/name: 'app.kubernetes.io/name': {OURS}",
    ),
    (
        PodMetadata,
        {"labels": {"app.kubernetes.io/part-of": "shop"}},
        f"labels.app.kubernetes.io/part-of: 'app.kubernetes.io/part-of': {OURS}",
    ),
    (
        PodMetadata,
        {"labels": {"app.kubernetes.io/managed-by": "helm"}},
        f"labels.app.kubernetes.io/managed-by: 'app.kubernetes.io/managed-by': {OURS}",
    ),
    (PodMetadata, {"annotations": {"a b": "x"}}, f"annotations.a b: 'a b': {LABEL}"),
    (PodMetadata, {"annotations": {"log": 1}}, f"annotations.log: 1: {TEXT}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(
    "key",
    [
        "cert-manager.io/cluster-issuer",
        "nginx.ingress.kubernetes.io/canary-weight",
        "nginx.ingress.kubernetes.io/limit-rps",
        "nginx.ingress.kubernetes.io/affinity",
        "nginx.ingress.kubernetes.io/proxy-body-size",
        "pulumi.com/skipAwait",
    ],
)
def test_an_annotation_that_a_routes_own_settings_make_is_refused(key: str) -> None:
    (fault,) = refused(Route, {"host": "a.example", "annotations": {key: "x"}})
    assert fault == (
        f"given: annotations.{key}: '{key}': Slipway sets this key from the settings of the route; use those settings"
    )
