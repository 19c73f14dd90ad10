"""A service's own configuration files reach its pods as a folder, and a change takes effect in the way it chose."""

from typing import Any

from tests.components.deploying import deployed, registered
from tests.declared import Declared, Objects
from tests.samples import Config, entry, put, service, stack

ROUTE: Config = {"host": "web.example.com"}


def system(on_change: str, content: str = "a\n", release: Config | None = None) -> Objects[Declared]:
    files = {"path": "/app/config", "onChange": on_change, "files": {"vocab.txt": content, "config.json": "{}"}}
    given = entry(services={"web": service(files=files, route=ROUTE)})
    return deployed(given, put(stack(), "release.web", release) if release else stack())


def template(run: Objects[Declared], slot: str = "blue") -> dict[str, Any]:
    return run.one("Deployment", f"web-{slot}").inputs["spec"]["template"]


def files_map(run: Objects[Declared], slot: str = "blue") -> str:
    (volume,) = [v for v in template(run, slot)["spec"]["volumes"] if v["name"] == "files"]
    return volume["configMap"]["name"]


def test_the_files_are_mounted_as_a_folder_that_sees_changes_and_the_server_is_told_where() -> None:
    run = system("rollout")
    (server,) = template(run)["spec"]["containers"]
    assert {"name": "files", "mountPath": "/app/config", "readOnly": True} in server["volumeMounts"]
    assert {"name": "SLIPWAY_CONFIG", "value": "/app/config"} in server["env"]
    assert run.one("ConfigMap", files_map(run)).inputs["data"] == {"vocab.txt": "a\n", "config.json": "{}"}


def test_for_a_rollout_other_content_is_another_immutable_map_and_another_template() -> None:
    before, after = system("rollout"), system("rollout", "b\n")
    assert files_map(before) != files_map(after)
    assert before.one("ConfigMap", files_map(before)).inputs["immutable"] is True
    assert template(before) != template(after)


def test_for_a_reload_the_map_keeps_its_name_and_no_pod_is_replaced() -> None:
    before, after = system("reload"), system("reload", "b\n")
    assert files_map(before) == files_map(after) == "web-blue-files"
    assert after.one("ConfigMap", "web-blue-files").inputs["immutable"] is False
    assert template(before) == template(after)


def test_a_slots_own_files_replace_the_entrys_one_by_one_and_leave_the_other_slot_alone() -> None:
    release = {"slots": {"blue": {}, "green": {"files": {"config.json": '{"a": 1}'}}}, "weight": 5}
    run = system("reload", release=release)
    assert run.one("ConfigMap", files_map(run)).inputs["data"]["config.json"] == "{}"
    green = run.one("ConfigMap", files_map(run, "green")).inputs["data"]
    assert green == {"vocab.txt": "a\n", "config.json": '{"a": 1}'}


def test_the_provider_changes_a_map_in_place_so_that_it_is_never_missing() -> None:
    provider = next(r for r in registered().resources if r.type == "pulumi:providers:kubernetes")
    assert provider.inputs["enableConfigMapMutable"] == "true"
