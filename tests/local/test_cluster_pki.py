import ipaddress
import shutil
import ssl
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from local import addresses, pki
from local.addresses import Addresses
from local.paths import Paths

AT = Addresses()
LEAVES = pki.leaves(AT)


def certificate(paths: Paths, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((paths.pki / f"{name}.crt").read_bytes())


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.file)
def test_a_leaf_is_signed_by_its_authority_and_fits_its_key(prepared: Paths, leaf: pki.Leaf) -> None:
    certificate(prepared, leaf.file).verify_directly_issued_by(certificate(prepared, leaf.authority))
    context = ssl.create_default_context(cafile=prepared.pki / f"{leaf.authority}.crt")
    context.load_cert_chain(prepared.pki / f"{leaf.file}.crt", prepared.pki / f"{leaf.file}.key")


def test_only_the_administrator_the_probe_and_the_kubelet_client_are_masters() -> None:
    masters = {leaf.file for leaf in LEAVES if "system:masters" in leaf.groups}
    assert masters == {"admin", "probe", "apiserver-kubelet"}


def test_etcd_believes_nobody_with_a_cluster_certificate() -> None:
    assert {leaf.authority for leaf in LEAVES if leaf.file in {"etcd", "etcd-client"}} == {"etcd-ca"}
    assert [leaf.file for leaf in LEAVES if leaf.authority == "etcd-ca"] == ["etcd", "etcd-client"]


def test_the_api_server_is_valid_for_the_bridge_and_the_service_address(prepared: Paths) -> None:
    names = certificate(prepared, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = set(names.get_values_for_type(x509.IPAddress))
    assert found == {ipaddress.ip_address(AT.node_ip), ipaddress.ip_address(AT.api_service_ip)}
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_the_kubelet_is_the_node_that_node_authorization_expects(prepared: Paths) -> None:
    subject = certificate(prepared, "kubelet").subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == f"system:node:{addresses.NODE_NAME}"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:nodes"


def test_every_file_is_readable_by_its_owner_only(prepared: Paths) -> None:
    files = [file for file in prepared.pki.iterdir() if file.name != "complete"]
    assert len(files) > 30
    assert [file.name for file in files if file.stat().st_mode & 0o077] == []


def test_the_kubeconfig_names_one_context_and_no_other_cluster(prepared: Paths) -> None:
    config = yaml.safe_load(prepared.kubeconfig.read_text())
    assert [context["name"] for context in config["contexts"]] == [addresses.CONTEXT] == [config["current-context"]]
    assert [cluster["cluster"]["server"] for cluster in config["clusters"]] == ["https://10.88.0.1:6443"]


def test_a_second_run_changes_nothing(prepared: Paths) -> None:
    before = {file.name: file.read_bytes() for file in prepared.pki.iterdir()}
    pki.create(prepared.pki, AT)
    assert {file.name: file.read_bytes() for file in prepared.pki.iterdir()} == before


def test_a_running_cluster_gets_a_new_identity_from_its_own_authority(prepared: Paths, tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    shutil.copytree(prepared.pki, folder)
    for file in folder.glob("volume-provisioner.*"):
        file.unlink()
    (folder / "complete").write_text("\n".join(leaf.file for leaf in LEAVES if leaf.file != "volume-provisioner"))
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "complete"}
    pki.create(folder, AT)
    after = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "complete"}
    assert after.keys() - before.keys() == {f"volume-provisioner.{kind}" for kind in ("crt", "key", "kubeconfig")}
    assert {name: after[name] for name in before} == before
    issued = x509.load_pem_x509_certificate(after["volume-provisioner.crt"])
    issued.verify_directly_issued_by(certificate(prepared, "ca"))
    pki.create(folder, AT)
    assert (folder / "volume-provisioner.crt").read_bytes() == after["volume-provisioner.crt"]


def test_two_clusters_share_no_key(prepared: Paths, tmp_path: Path) -> None:
    pki.create(tmp_path, AT)
    shared = [
        file.name for file in tmp_path.glob("*.key") if file.read_bytes() == (prepared.pki / file.name).read_bytes()
    ]
    assert shared == []


def test_a_private_file_replaces_a_readable_one(tmp_path: Path) -> None:
    target = tmp_path / "secret"
    target.write_text("old")
    target.chmod(0o644)
    pki.write_private(target, b"new")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)
