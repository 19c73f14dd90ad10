"""The whole of what reaches the API server, as a person reviews it; contracts and unit tests say why it is so."""

from pathlib import Path

import pytest
import yaml

from tests.recording import PROJECT, Recorded, run_main
from tests.samples import ENVIRONMENTS, IMAGE, Config, runnable, with_canary

FOLDER = Path(__file__).parent
CONFIGS: dict[str, Config] = {
    **{f"classifier-{environment}": runnable(environment) for environment in ENVIRONMENTS},
    "classifier-prod-canary": with_canary("prod", weight=20, match={"header": {"name": "X-Canary"}}),
    "gpu-dev": runnable("gpu-dev"),
    "gpu-prod": {
        "system": {"entry": "gpu", "environment": "prod"},
        "cluster": {"context": "prod"},
        "release": {"model": {"slots": {"blue": {"image": IMAGE}}}},
    },
}


def rendered(run: Recorded) -> str:
    """Write every manifest under its kind and name, sorted."""
    manifests = {f"{r.inputs['kind']}/{r.object_name}": r.inputs for r in run.manifests}
    return yaml.safe_dump(manifests, sort_keys=True, width=120)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_manifests_are_those_that_were_reviewed(name: str, pytestconfig: pytest.Config) -> None:
    text = rendered(run_main(CONFIGS[name]))
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
