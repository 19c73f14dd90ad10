"""docs/helm.md keeps its word: whatever it says a Helm value is called here exists in the schema."""

import re
from collections.abc import Iterator
from typing import Any, cast

from models.schema import catalogue_schema, stack_schema
from tests.each import each
from tests.recording import PROJECT

Schema = dict[str, Any]
PAGE = PROJECT / "docs" / "helm.md"
CATALOGUE, STACK = catalogue_schema(), stack_schema()
SERVICE = "services.<service>"
DECIDED = re.compile(r"\*\*Decided\*\*: .+, because .+")
HELM_CREATE = (
    "replicaCount", "image.repository", "image.pullPolicy", "image.tag", "imagePullSecrets", "nameOverride",
    "fullnameOverride", "serviceAccount.create", "serviceAccount.automount", "serviceAccount.annotations",
    "serviceAccount.name", "podAnnotations", "podLabels", "podSecurityContext", "podSecurityContext.fsGroup",
    "securityContext", "securityContext.capabilities", "securityContext.readOnlyRootFilesystem",
    "securityContext.runAsNonRoot", "securityContext.runAsUser", "service.type", "service.port", "ingress.enabled",
    "ingress.className", "ingress.annotations", "ingress.hosts", "ingress.hosts[].host", "ingress.hosts[].paths",
    "ingress.hosts[].paths[].path", "ingress.hosts[].paths[].pathType", "ingress.tls", "ingress.tls[].secretName",
    "ingress.tls[].hosts", "resources.limits.cpu", "resources.limits.memory", "resources.requests.cpu",
    "resources.requests.memory", "livenessProbe", "livenessProbe.httpGet.path", "livenessProbe.httpGet.port",
    "readinessProbe", "readinessProbe.httpGet.path", "readinessProbe.httpGet.port", "autoscaling.enabled",
    "autoscaling.minReplicas", "autoscaling.maxReplicas", "autoscaling.targetCPUUtilizationPercentage",
    "autoscaling.targetMemoryUtilizationPercentage", "volumes", "volumeMounts", "nodeSelector", "tolerations",
    "affinity",
)  # fmt: skip
"""Every value of the chart that ``helm create`` makes, those in its comments too."""


def rows() -> Iterator[tuple[str, str]]:
    """The two cells of each row that is not a table's head."""
    for line in PAGE.read_text().splitlines():
        if line.startswith("|") and not line.startswith(("| Helm value ", "|---")):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert len(cells) == 2, f"a row has two cells: {line}"
            yield cells[0], cells[1]


ROWS = list(rows())


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def paths(cell: str) -> list[str]:
    """What of a cell claims to be a path of ours."""
    top = "|".join(CATALOGUE["properties"])
    return [text for text in code(cell) if re.fullmatch(rf"(\.|slipway:|({top})(\.|$)).*", text)]


def exists(path: str) -> bool:
    """Whether a dotted path leads anywhere; ``<…>`` stands for a name that the writer chooses."""
    if path.startswith("slipway:"):
        key, *steps = path.split(".")
        schema = STACK["properties"]["config"]["properties"].get(key)
        return schema is not None and _leads(schema, steps, STACK)
    whole = f"{SERVICE}{path}" if path.startswith(".") else path
    return _leads(CATALOGUE, whole.split("."), CATALOGUE)


def _leads(node: object, steps: list[str], root: Schema) -> bool:
    if not isinstance(node, dict):
        return False
    schema = cast("Schema", node)
    if "$ref" in schema:
        return _leads(root["$defs"][schema["$ref"].rpartition("/")[2]], steps, root)
    if not steps:
        return True
    choices = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    step, rest = steps[0], steps[1:]
    if step.startswith("<"):
        below = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    else:
        below = [schema.get("properties", {}).get(step)]
    return any(_leads(node, rest, root) for node in below) or any(_leads(choice, steps, root) for choice in choices)


def test_the_tables_were_found() -> None:
    assert len(ROWS) > 60
    assert sum(len(paths(ours)) for _, ours in ROWS) > 100


@each(("helm", "ours"), ROWS)
def test_each_row_names_a_path_that_exists_or_says_what_is_decided_and_why(helm: str, ours: str) -> None:
    assert code(helm)
    assert [path for path in paths(ours) if not exists(path)] == []
    assert paths(ours) or DECIDED.search(ours)
    assert "Decided" not in ours or DECIDED.search(ours)


def test_every_value_of_the_chart_that_helm_creates_has_a_row() -> None:
    mapped = {text for helm, _ in ROWS for text in code(helm)}
    assert [value for value in HELM_CREATE if value not in mapped] == []


def test_no_value_has_two_rows() -> None:
    every = [text for helm, _ in ROWS for text in code(helm)]
    assert [text for text in set(every) if every.count(text) > 1] == []


@each(
    ("path", "found"),
    [
        ("name", True),
        (".scaling.replicas", True),
        (".scaling.metrics.pods.<metric>.average", True),
        ("services.<service>.route.tls.secret", True),
        ("slipway:image.registry", True),
        ("slipway:release.<service>.slots.<slot>.image", True),
        (".scaling.replica", False),
        (".scaling.<replicas>", False),
        (".scaling.replicas.more", False),
        (".resources.devices.gpu", False),
        ("service.<service>.port", False),
        ("slipway:image.registries", False),
        ("slipway:images.server", False),
        ("slipway:nothing", False),
    ],
)
def test_a_path_that_leads_nowhere_is_noticed(path: str, found: bool) -> None:
    assert exists(path) is found
