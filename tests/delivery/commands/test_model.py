"""`slipway model pin`: what it writes is what the catalogue reads and the loader fetches."""

import json
from pathlib import Path

import pytest
import yaml

import catalog
from models.errors import ConfigurationError
from models.service import ServiceSpec
from tests.delivery.desk import Desk
from tests.loader.models import FILES, content, fetched, manifest_of, publish
from tests.loader.servers import COMMIT, Hub, Watched, serving
from tests.samples import Config, entry, service

HUB_URI = f"hf://acme/tiny@{COMMIT}"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "project").mkdir()
    return Desk(tmp_path / "project", monkeypatch)


def served_by(desk: Desk, **model: object) -> ServiceSpec:
    """The service of an entry with this model, as the program reads it."""
    source: Config = {"name": "tiny", "uri": HUB_URI, "loader": "loader", "external": "hub", **model}
    images: Config = {"server": {"context": "serving"}, "loader": {"context": "loader"}}
    described = entry(images=images, services={"web": service(model=source)})
    folder = desk.file().parent / "catalog"
    (folder / "shop.yaml").write_text(yaml.safe_dump(described), "utf-8")
    return catalog.entry("shop", folder).service_in("dev", "web")


def test_what_is_pinned_is_read_by_the_catalogue_and_fetched_by_the_loader(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Hub, publish(tmp_path / "hub", sums=False), large={}) as (url, _):
        monkeypatch.setenv("HF_ENDPOINT", url)
        done = desk.slipway("model", "pin", HUB_URI)
        assert done.code == 0, done
        assert "catalog/models/tiny.yaml: 3 files, 15.6 KiB; read 15.6 KiB" in done.out
        assert "name it in the entry: model.manifest: tiny" in done.out
        model = served_by(desk, manifest="tiny").model
        assert model
        assert model.manifest
        assert model.manifest.lines == manifest_of(FILES)
        assert model.manifest.version == {"commit": COMMIT}
        fetched(HUB_URI, tmp_path / "store", {"HF_ENDPOINT": url}, manifest=model.manifest.lines)
    assert content(tmp_path / "store/tiny") == FILES


def test_the_document_has_every_file(desk: Desk, tmp_path: Path) -> None:
    with serving(Watched, publish(tmp_path / "published")) as (url, _):
        done = desk.slipway("model", "pin", f"{url}/", "--name", "digits", "--include", "*.onnx", "--json")
    assert done.code == 0
    assert (done.json["command"], done.json["stack"], done.json["exitCode"]) == ("model pin", None, 0)
    assert done.json["file"] == "catalog/models/digits.yaml"
    assert done.json["files"].keys() == {"model.onnx"}
    assert done.json["files"]["model.onnx"]["size"] == len(FILES["model.onnx"])


def test_paths_and_hashes_that_look_like_other_values_stay_texts(desk: Desk, tmp_path: Path) -> None:
    names = {"yes": b"a", "1e3": b"b", "a: b#c.txt": b"c", "ä.bin": b"d"}
    with serving(Watched, publish(tmp_path / "published", names)) as (url, _):
        assert desk.slipway("model", "pin", f"{url}/", "--name", "odd").code == 0
    written = yaml.safe_load((desk.file().parent / "catalog/models/odd.yaml").read_text("utf-8"))
    assert written["files"].keys() == names.keys()


def test_a_refusal_is_one_line_and_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    with serving(Watched, publish(tmp_path / "published", sums=False)) as (url, _):
        said = desk.refused("model", "pin", f"{url}/", "--name", "digits")
    assert said == f"slipway: {url}/: a web server does not list its folders; publish SHA256SUMS in it"
    said = desk.refused("model", "pin", HUB_URI, "--name", "../x")
    assert said.startswith("slipway: --name '../x': a manifest's name has lowercase letters")
    assert not (desk.file().parent / "catalog/models").exists()


def test_a_manifest_that_nobody_wrote_is_named(desk: Desk) -> None:
    (desk.file().parent / "catalog/models").mkdir(parents=True)
    (desk.file().parent / "catalog/models/tiny.yaml").write_text(json.dumps({"uri": HUB_URI}), "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        served_by(desk, manifest="tinny")
    (line,) = refused.value.faults
    assert line == (
        "catalog/shop.yaml: services.web.model.manifest: 'tinny' is not a manifest in catalog/models (tiny); did you "
        "mean 'tiny'?; write it with slipway model pin <uri> --name tinny"
    )
