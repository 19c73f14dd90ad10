import json
import os
from pathlib import Path

import pytest

from local import cluster, processes, status
from local.daemon import Daemon, ProbeError
from local.paths import Paths


def passes() -> None:
    """A probe that is content."""


def fails() -> None:
    raise ProbeError("http://127.0.0.1:5050/v2/: connection refused")


def daemon(name: str, *, healthy: bool) -> Daemon:
    return Daemon(name=name, binary=name, arguments=(), probe=passes if healthy else fails)


def runs(paths: Paths, name: str) -> None:
    record = {"name": name, "pid": os.getpid(), "started": processes.start_mark(os.getpid())}
    (paths.run / f"{name}.json").write_text(json.dumps({**record, "fingerprint": "f", "binary": "b"}))


@pytest.fixture
def table(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Paths:
    paths.create()
    rows = (daemon("etcd", healthy=True), daemon("registry", healthy=False), daemon("traefik", healthy=True))

    def daemons(_paths: Paths) -> tuple[Daemon, ...]:
        return rows

    monkeypatch.setattr(cluster, "daemons", daemons)
    return paths


def test_each_part_is_reported_with_version_process_and_reason(table: Paths) -> None:
    runs(table, "etcd")
    runs(table, "registry")
    (table.logs / "traefik.log").write_text("bye\n")
    (table.run / "traefik.json").write_text(
        json.dumps({"name": "traefik", "pid": 1, "started": "earlier", "fingerprint": "f", "binary": "b"})
    )
    document = status.report(table)
    parts = document["components"]
    assert not document["healthy"]
    assert parts["etcd"]["healthy"]
    assert parts["etcd"]["pid"] == os.getpid()
    assert parts["etcd"]["version"].startswith("v3.")
    assert parts["registry"]["reason"] == "http://127.0.0.1:5050/v2/: connection refused"
    assert (parts["traefik"]["pid"], parts["traefik"]["reason"]) == (None, "ended: 'bye'")


def test_the_document_has_what_programs_ask_for(table: Paths) -> None:
    document = status.report(table)
    assert document["kubeconfig"] == str(table.kubeconfig)
    assert document["context"] == "slipway-local"
    assert document["ingressUrl"] == "http://127.0.0.1:8080"
    assert document["registry"] == "localhost:5050"
    assert document["prometheusUrl"] == "http://10.88.0.1:9090"
    assert document["backend"] == f"file://{table.pulumi_backend}?metadata=skip"


def test_a_part_that_never_started_is_told_apart_from_one_that_ended(table: Paths) -> None:
    assert status.report(table)["components"]["etcd"]["reason"] == "never started"


def test_the_table_for_people_names_the_sick_part(table: Paths) -> None:
    runs(table, "registry")
    text = status.table(status.report(table))
    assert "NOT healthy: http://127.0.0.1:5050/v2/: connection refused" in text


def test_without_a_cluster_people_are_told_how_to_start_one(paths: Paths) -> None:
    assert status.table(status.report(paths)) == "no local cluster is running: start one with `make up`"
    assert not Path(paths.state).exists()
