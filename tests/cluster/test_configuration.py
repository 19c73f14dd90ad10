"""`slipway` reads a stack's configuration as the real engine does, however `pulumi config set` stored it."""

import subprocess
from pathlib import Path

import pytest
import yaml

from delivery.release.stack import Stack as Opened
from tests.cluster.stack import Stack
from tests.samples import IMAGE, entry, service

PROJECT = {
    "name": "slipway",
    "runtime": "python",
    "stackConfigDir": "stacks",
    "config": {"slipway:tracing": {"value": {"url": "http://traces.example.com:4318"}}},
}
SET = (
    ("--path", "slipway:system.entry", "shop"),
    ("--path", "slipway:system.environment", "prod"),
    ("slipway:cluster", '{"context": "prod", "ingressNamespace": "edge"}'),
    ("--secret", "slipway:objectStorage", '{"url": "https://s3.example.com"}'),
    ("--path", "--secret", "slipway:externals.bank.url", "https://bank.example.com"),
    ("--path", "slipway:release.web.slots.blue.image", IMAGE),
)


@pytest.fixture
def project(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a state of its own, whose stack was configured by the real `pulumi config set`."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'state'}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    (tmp_path / "catalog").mkdir()
    shop = entry(services={"web": service(externals=["bank"])}, environments={"dev": {}, "prod": {}})
    (tmp_path / "catalog/shop.yaml").write_text(yaml.safe_dump(shop))
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(PROJECT))
    (tmp_path / "stacks").mkdir()
    for arguments in (("stack", "init", "prod"), *(("config", "set", "-s", "prod", *one) for one in SET)):
        subprocess.run(["pulumi", *arguments, "--non-interactive"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_what_the_engine_merges_and_decrypts_is_what_slipway_reads(project: Path) -> None:
    text = (project / "stacks/Pulumi.prod.yaml").read_text()
    assert "bank.example.com" not in text
    settings = Opened.open(project, "prod").settings()
    assert settings.cluster.context == "prod"
    assert settings.object_storage is not None
    assert settings.object_storage.url == "https://s3.example.com"
    assert settings.externals["bank"].url == "https://bank.example.com"
    assert settings.tracing is not None
    assert settings.tracing.url == "http://traces.example.com:4318"
    assert settings.release["web"].slots["blue"].image == IMAGE
