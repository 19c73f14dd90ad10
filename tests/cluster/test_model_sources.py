"""Mounted models and a pinned, fetched model are served from the source that the entry names."""

import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from local import oci
from tests.cluster.copies import Copy, entry, fill_claim, initialised, made_namespace, service
from tests.cluster.s3 import Models, uri
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere

NAME = "sources"
MODEL = "digits/1"
REPOSITORY = "models/digits"
SERVICES = ("claimed", "mounted", "pinned")


def pushed(folder: Path, files: dict[str, bytes]) -> str:
    """Push an image with only the model's files; return it by digest."""
    with tarfile.open(folder / "layer.tar", "w") as layer:
        for name, content in files.items():
            file = tarfile.TarInfo(name)
            file.size, file.mode = len(content), 0o444
            layer.addfile(file, BytesIO(content))
    oci.write_image(folder)
    host = config_of("dev")["slipway:image"]["registry"]
    with httpx.Client(base_url=f"http://{host}", timeout=60) as client:
        return f"{host}/{REPOSITORY}@{oci.push(folder, client, REPOSITORY, '1')}"


@pytest.fixture(scope="module")
def models(stack: Stack) -> Models:
    return Models.of(stack.env)


@pytest.fixture(scope="module")
def copy(stack: Stack, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """Three services with the same model: on an existing claim, in an image, and in object storage."""
    reference = pushed(tmp_path_factory.mktemp("image"), models.files(MODEL))
    services: Json = {
        "claimed": service("claimed.sources", "pvc://shelf/digits/1"),
        "mounted": service("mounted.sources", f"oci://{reference}"),
        "pinned": service("pinned.sources", uri(MODEL)),
    }
    services["pinned"]["model"]["checksum"] = models.checksum(MODEL)
    volumes = {"shelf": {"size": "64Mi", "existing": "prepared", "access": "ReadWriteMany"}}
    folder = project_elsewhere(tmp_path_factory.mktemp(NAME), entry(NAME, services, volumes=volumes))
    with initialised(stack, folder, NAME) as made:
        made_namespace(made)
        fill_claim(made, "prepared", uri(MODEL), "digits/1")
        made.up()
        yield made


@pytest.mark.parametrize("name", SERVICES)
def test_held_out_digits_are_recognised_with_the_model_from(
    copy: Copy, name: str, pictures: list[tuple[bytes, str]]
) -> None:
    sent = pictures[:100]
    answers = copy.ingress(name).ask_all([png for png, _ in sent])
    assert {answer.status for answer in answers} == {200}
    right = sum(answer.label == label for answer, (_, label) in zip(answers, sent, strict=True))
    assert right >= 95


@pytest.mark.parametrize(("name", "kind"), [("claimed", "persistentVolumeClaim"), ("mounted", "image")])
def test_a_mounted_model_is_the_published_one_and_no_pod_can_change_it(
    copy: Copy, models: Models, name: str, kind: str
) -> None:
    (pod,) = copy.pods(name)
    assert "initContainers" not in pod["spec"], "nothing is fetched"
    (volume,) = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "model"]
    assert kind in volume
    script = (
        "import hashlib,os,pathlib;"
        "print(hashlib.sha256(pathlib.Path('/models/SHA256SUMS').read_bytes()).hexdigest(),os.access('/models',os.W_OK))"
    )
    said = copy.kubectl("exec", pod["metadata"]["name"], "--", "python", "-c", script).split()
    assert said == [models.checksum(MODEL).removeprefix("sha256:"), "False"]


def test_a_pinned_model_is_fetched_and_proven(copy: Copy, models: Models) -> None:
    (pod,) = copy.pods("pinned")
    assert copy.fetched(pod)["checksum"] == models.checksum(MODEL)
    assert models.checksum(MODEL) in pod["spec"]["initContainers"][0]["command"]


def test_nothing_changed_is_nothing_to_do(copy: Copy) -> None:
    done = copy.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
