"""The whole of what reaches the API server, as a person reviews it; contracts and unit tests say why it is so."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.contracts.cases import PLANTED as PLANTED_BY_CASES
from tests.contracts.cases import Case, config_of
from tests.recording import PROJECT, Recorded, Registered, Secret, run_main
from tests.samples import ENVIRONMENTS, PLANTED, Config, runnable, with_canary

FOLDER = Path(__file__).parent
OTHERS = ("faces", "gpu", "nlu", "parsing")
CONFIGS: dict[str, Config] = {
    **{f"classifier-{environment}": runnable(environment) for environment in ENVIRONMENTS},
    "classifier-prod-canary": with_canary("prod", weight=20, match={"header": {"name": "X-Canary"}}),
    **{f"{system}-dev": runnable(f"{system}-dev") for system in OTHERS},
    **{f"{system}-prod": config_of(Case(system, "prod", both=False)) for system in OTHERS},
}


def rendered(run: Recorded) -> str:
    """Write every manifest under its kind and name, sorted; what is marked as secret as the engine would show it."""
    manifests = {f"{r.inputs['kind']}/{r.object_name}": shown(readable(r)) for r in run.manifests}
    return yaml.safe_dump(manifests, sort_keys=True, width=120)


def readable(made: Registered) -> dict[str, Any]:
    """A dashboard's queries by panel, in place of its JSON: nobody reviews one line of 60 kB."""
    if (made.kind, made.object_name) != ("ConfigMap", "dashboard"):
        return made.inputs
    data = {file: outline(json.loads(text)["panels"]) for file, text in made.inputs["data"].items()}
    return {**made.inputs, "data": data}


def outline(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each panel asks; of rows, what is below them."""
    rows = [{panel["title"]: outline(panel["panels"])} for panel in panels if panel["type"] == "row"]
    return rows + [
        {panel["title"]: [t["expr"] for t in panel["targets"]]} for panel in panels if panel["type"] != "row"
    ]


def shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shown(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [shown(item) for item in cast("list[Any]", value)]
    return "[secret]" if isinstance(value, Secret) else value


@pytest.mark.parametrize("name", CONFIGS)
def test_the_manifests_are_those_that_were_reviewed(name: str, pytestconfig: pytest.Config) -> None:
    text = rendered(run_main(CONFIGS[name], stack=name))
    assert PLANTED not in text
    assert PLANTED_BY_CASES not in text
    file = FOLDER / f"{name}.yaml"
    if pytestconfig.getoption("--update-goldens"):
        file.write_text(text)
    where = file.relative_to(PROJECT)
    assert file.is_file(), f"{where} is missing; write it: pytest tests/goldens --update-goldens"
    if text != file.read_text():
        assert yaml.safe_load(text) == yaml.safe_load(file.read_text()), (
            f"the manifests differ from {where}; if that is what you want: pytest tests/goldens --update-goldens"
        )
        pytest.fail(f"{where} was edited by hand; write it again: pytest tests/goldens --update-goldens")


def test_no_golden_is_left_over() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(CONFIGS)
