from ipaddress import IPv4Network
from pathlib import Path

import pytest

from local import deploy, stack_file
from local.addresses import Addresses, Ports
from local.errors import LocalError
from local.paths import Paths

PLAIN = """# the embedded cluster
config:
  slipway:system: {entry: classifier, environment: dev}  # encryptionsalt: no
"""
SALTED = PLAIN + "encryptionsalt: v1:PgEb=:v1:3FMO:cXfK==\n"
SECRET = SALTED + "  slipway:token:\n    secure: v1:abc\n"


def file(folder: Path, text: str) -> Path:
    target = folder / "Pulumi.dev.yaml"
    target.write_text(text)
    return target


def test_the_salt_is_read_from_its_own_line_only() -> None:
    assert stack_file.salt(PLAIN) is None
    assert stack_file.salt(SALTED) == "v1:PgEb=:v1:3FMO:cXfK=="


def test_a_stale_salt_goes_and_comments_stay(tmp_path: Path) -> None:
    target = file(tmp_path, SALTED)
    assert stack_file.drop_stale_salt(target, stack_exists=False)
    assert target.read_text() == PLAIN


def test_the_salt_of_a_stack_of_this_cluster_stays(tmp_path: Path) -> None:
    target = file(tmp_path, SALTED)
    assert not stack_file.drop_stale_salt(target, stack_exists=True)
    assert target.read_text() == SALTED


def test_a_file_with_secrets_of_another_backend_is_refused_and_untouched(tmp_path: Path) -> None:
    target = file(tmp_path, SECRET)
    with pytest.raises(LocalError, match="encrypted for another backend"):
        stack_file.drop_stale_salt(target, stack_exists=False)
    assert target.read_text() == SECRET


@pytest.mark.parametrize(
    ("text", "exists", "after"), [(SALTED, True, PLAIN), (SALTED, False, SALTED), (SECRET, True, SECRET)]
)
def test_down_takes_the_salt_of_its_own_stack_only(tmp_path: Path, text: str, exists: bool, after: str) -> None:
    target = file(tmp_path, text)
    stack_file.drop_own_salt(target, stack_exists=exists)
    assert target.read_text() == after


def test_a_missing_file_has_no_salt_to_drop(tmp_path: Path) -> None:
    assert not stack_file.drop_own_salt(tmp_path / "none.yaml", stack_exists=True)


def test_every_stack_of_the_clusters_backend_is_known(tmp_path: Path) -> None:
    paths = Paths(project=tmp_path, state=tmp_path / "state", cache=tmp_path / "cache")
    assert deploy.stacks(paths) == []
    for stack in ("dev", "gpu-dev"):
        deploy.checkpoint(paths, stack).parent.mkdir(parents=True, exist_ok=True)
        deploy.checkpoint(paths, stack).touch()
    assert deploy.stacks(paths) == ["dev", "gpu-dev"]
    assert deploy.stack_settings(paths, "gpu-dev") == tmp_path / "Pulumi.gpu-dev.yaml"


SETTINGS = """config:
  slipway:cluster:
    context: slipway-local
    ingressUrl: http://127.0.0.1:8080
    prometheusUrl: http://10.88.0.1:9090   # a comment stays
  slipway:image: {registry: localhost:5050, baseImage: "localhost:5050/base/python:bookworm"}
  slipway:objectStorage: {url: "http://10.88.0.1:7070", networks: [10.88.0.1/32]}
  other: [http://127.0.0.1:80801, "localhost:50501", http://my.localhost:5050x, 110.88.0.1/32]
"""
OTHER = Addresses(pods=IPv4Network("10.90.0.0/16"), ports=Ports(ingress=9090, prometheus=8080, registry=5051))


def test_a_stack_file_gets_the_addresses_of_its_cluster_and_everything_else_stays() -> None:
    moved = stack_file.with_addresses(SETTINGS, Addresses(), OTHER)
    assert (
        moved
        == """config:
  slipway:cluster:
    context: slipway-local
    ingressUrl: http://127.0.0.1:9090
    prometheusUrl: http://10.90.0.1:8080   # a comment stays
  slipway:image: {registry: localhost:5051, baseImage: "localhost:5051/base/python:bookworm"}
  slipway:objectStorage: {url: "http://10.90.0.1:7070", networks: [10.90.0.1/32]}
  other: [http://127.0.0.1:80801, "localhost:50501", http://my.localhost:5050x, 110.88.0.1/32]
"""
    )
    assert stack_file.with_addresses(moved, OTHER, Addresses()) == SETTINGS


def test_only_stack_files_of_the_local_cluster_change_and_only_where_an_address_differs(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(SETTINGS)
    (tmp_path / "Pulumi.prod.yaml").write_text(SETTINGS.replace("slipway-local", "prod-eu"))
    (tmp_path / "Pulumi.nlu-dev.yaml").write_text("config: {slipway:cluster: {context: slipway-local}}\n")
    assert stack_file.point_all(tmp_path, Addresses(), Addresses()) == []
    assert [file.name for file in stack_file.point_all(tmp_path, Addresses(), OTHER)] == ["Pulumi.dev.yaml"]
    assert stack_file.point_all(tmp_path, Addresses(), OTHER) == []  # a second `up`
    assert [file.name for file in stack_file.point_all(tmp_path, OTHER, Addresses())] == ["Pulumi.dev.yaml"]
    assert (tmp_path / "Pulumi.dev.yaml").read_text() == SETTINGS
