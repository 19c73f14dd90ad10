"""Stores on the cluster: an update is over when its new pod is up."""

import copy
from collections.abc import Iterator

import pytest
import yaml

from local.addresses import BASE_REPOSITORY, BASE_TAG
from tests.cluster import copies, registry
from tests.cluster.releasing import MODEL
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere

NAME, STORE, PORT = "keeping", "shelf", 6379
ENTRY = copies.entry(NAME, {"reader": copies.service("reader", MODEL)})
ENTRY["images"]["python"] = {"context": "serving"}
ENTRY["stores"] = {
    STORE: {
        "image": "python",
        "args": ["python3", "-m", "http.server", str(PORT), "--directory", "/data"],
        "port": PORT,
        "volume": {"size": "16Mi", "path": "/data"},
        "health": {"startup": "20s"},
        "grace": "1s",
        "resources": copies.SMALL,
    }
}


@pytest.fixture
def keeping(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[copies.Copy]:
    """A deployed system with a store."""
    repository = f"{config_of('dev')['slipway:image']['registry']}/{BASE_REPOSITORY}"
    folder = tmp_path_factory.mktemp(NAME)
    with copies.initialised(stack, project_elsewhere(folder, ENTRY), NAME) as made:
        made.settings["slipway:images"]["python"] = f"{repository}@{registry.digest_of(repository, BASE_TAG)}"
        made.up()
        yield made


def changed(keeping: copies.Copy, shelf: int) -> Json:
    """Deploy the store with another variable; return the pod that exists when the update ends."""
    entry = copy.deepcopy(ENTRY)
    entry["stores"][STORE]["env"] = {"SHELF": str(shelf)}
    (keeping.folder / "catalog" / f"{NAME}.yaml").write_text(yaml.safe_dump(entry))
    keeping.up()
    (pod,) = keeping.pods(STORE)
    return pod


def test_an_update_of_a_store_is_over_when_its_new_pod_is_up(keeping: copies.Copy) -> None:
    # Pulumi's own wait nearly always ends at once, so a few updates show whether our wait works.
    for shelf in range(3):
        pod = changed(keeping, shelf)
        (server,) = pod["spec"]["containers"]
        assert {"name": "SHELF", "value": str(shelf)} in server["env"]
        assert copies.ready(pod)
    assert keeping.pulumi("preview", "--expect-no-changes").returncode == 0
