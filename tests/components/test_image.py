"""Both builders push, keep what they pushed, and give the image back by digest."""

from typing import Any

import pytest

from tests.components.deploying import registered
from tests.recording import DIGEST, Registered, Secret
from tests.samples import IMAGE, OTHER_IMAGE, PLANTED, Config, entry, put, stack

BUILDERS = ("docker-build", "docker")
REPOSITORY = "registry.example.com/ml/shop/server"


def built(builder: str, image: dict[str, Any] | None = None, build: dict[str, Any] | None = None) -> Registered:
    given = stack(image={"registry": "registry.example.com/ml", "builder": builder, **(image or {})})
    return registered(put(entry(), "images.server", {"context": "serving", **(build or {})}), given).one("Image")


def arguments(image: Registered) -> dict[str, str]:
    given: dict[str, Any] = (
        image.inputs["build"] if "build" in image.inputs else {"args": image.inputs.get("buildArgs")}
    )
    return given.get("args") or {}


@pytest.mark.parametrize(
    ("builder", "kind"), [("docker-build", "docker-build:index:Image"), ("docker", "docker:index/image:Image")]
)
def test_the_builder_is_chosen_by_its_name(builder: str, kind: str) -> None:
    assert built(builder).type == kind


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_image_outlives_its_resource_and_is_not_built_for_a_preview(builder: str) -> None:
    image = built(builder)
    assert image.retain_on_delete
    assert image.inputs["buildOnPreview"] is False


@pytest.mark.parametrize("builder", BUILDERS)
def test_slots_run_the_pushed_digest(builder: str) -> None:
    run = registered(stack_data=put(stack(), "image.builder", builder))
    container = run.one("Deployment").inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == f"{REPOSITORY}@{DIGEST}" == run.outputs["services"]["web"]["image"]


def test_the_image_is_pushed_under_the_environments_tag() -> None:
    image = built("docker-build")
    assert image.inputs["push"] is True
    assert image.inputs["tags"] == [f"{REPOSITORY}:dev"]
    daemon = built("docker")
    assert daemon.inputs["imageName"] == f"{REPOSITORY}:dev"
    assert daemon.inputs.get("skipPush", False) is False


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_context_and_its_dockerfile_are_relative_to_the_project(builder: str) -> None:
    inputs = built(builder, build={"dockerfile": "Dockerfile.gpu"}).inputs
    if builder == "docker":
        assert (inputs["build"]["context"], inputs["build"]["dockerfile"]) == ("serving", "serving/Dockerfile.gpu")
    else:
        assert inputs["context"]["location"] == "serving"
        assert inputs["dockerfile"]["location"] == "serving/Dockerfile.gpu"


@pytest.mark.parametrize("builder", BUILDERS)
def test_arguments_of_the_stack_win_over_the_entrys_and_both_over_the_base_image(builder: str) -> None:
    image = built(
        builder,
        {"baseImage": "base:1", "args": {"SHARED": "stack", "BASE_IMAGE": "base:2"}},
        {"args": {"SHARED": "entry", "OWN": "entry"}},
    )
    assert arguments(image) == {"BASE_IMAGE": "base:2", "SHARED": "stack", "OWN": "entry"}


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_base_image_is_named_only_where_it_is_given(builder: str) -> None:
    assert arguments(built(builder)) == {}
    assert arguments(built(builder, {"baseImage": "base:1"})) == {"BASE_IMAGE": "base:1"}


def test_wheels_are_a_named_context_only_where_they_are_given() -> None:
    assert not built("docker-build").inputs["context"].get("named")
    wheels = built("docker-build", {"wheels": ".slipway/wheels"}).inputs["context"]["named"]
    assert wheels == {"wheels": {"location": ".slipway/wheels"}}


def test_the_builder_instance_is_named_only_where_it_is_given() -> None:
    assert not built("docker-build").inputs.get("builder")
    assert built("docker-build", {"buildx": "slipway"}).inputs["builder"] == {"name": "slipway"}


SETTINGS: Config = {
    "platforms": ["linux/amd64", "linux/arm64"],
    "cacheFrom": [{"registry": "registry.example.com/cache"}, {"folder": "/var/cache/builds"}],
    "cacheTo": [{"registry": "registry.example.com/cache"}, {"folder": "/var/cache/builds"}],
    "secrets": {"index-token": {"environment": "INDEX_TOKEN"}, "license": {"file": "LICENSE"}},
}


def test_a_build_has_its_platforms_its_cache_and_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TOKEN", PLANTED)
    inputs = built("docker-build", SETTINGS, {"secrets": ["index-token", "license"]}).inputs
    assert inputs["platforms"] == ["linux/amd64", "linux/arm64"]
    places = [{"registry": {"ref": "registry.example.com/cache"}}, {"local": {"src": "/var/cache/builds"}}]
    assert inputs["cacheFrom"] == places
    assert inputs["cacheTo"][1] == {"local": {"dest": "/var/cache/builds"}}
    assert all(isinstance(value, Secret) for value in inputs["secrets"].values()), "the state holds it encrypted"
    assert str(inputs["secrets"]["index-token"]) == PLANTED
    assert "Apache" in str(inputs["secrets"]["license"])


def test_a_build_reads_only_the_secrets_that_its_dockerfile_mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INDEX_TOKEN", raising=False)
    assert "secrets" not in built("docker-build", SETTINGS, {}).inputs


def test_the_daemon_builds_for_one_platform_and_reads_a_cache() -> None:
    settings = {"platforms": ["linux/arm64"], "cacheFrom": [{"registry": "registry.example.com/cache"}]}
    build = built("docker", settings).inputs["build"]
    assert build["platform"] == "linux/arm64"
    assert build["cacheFrom"] == {"images": ["registry.example.com/cache"]}


def test_an_image_that_the_entry_names_is_not_built() -> None:
    run = registered(
        put(entry(), "images.server", {"reference": IMAGE}), {k: v for k, v in stack().items() if k != "image"}
    )
    assert run.of_kind("Image") == []
    container = run.one("Deployment").inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == IMAGE == run.outputs["services"]["web"]["image"]


def test_an_image_in_the_stack_file_counts_more_than_the_one_of_the_entry() -> None:
    run = registered(put(entry(), "images.server", {"reference": IMAGE}), stack(images={"server": OTHER_IMAGE}))
    assert run.outputs["services"]["web"]["image"] == OTHER_IMAGE
