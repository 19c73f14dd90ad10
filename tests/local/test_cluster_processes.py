import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from local import processes
from local.daemon import Daemon, Port, ProbeError
from local.errors import LocalError
from local.paths import Paths
from local.ports import Taken
from local.processes import Record


def passes() -> None:
    """A probe that is content."""


def fails() -> None:
    raise ProbeError("http://127.0.0.1:1/: connection refused")


def myself() -> Record:
    return Record(
        name="me", pid=os.getpid(), started=processes.start_mark(os.getpid()) or "", fingerprint="f", binary="b"
    )


def daemon(*ports: Port) -> Daemon:
    return Daemon(name="registry", binary="registry", arguments=(), probe=passes, ports=ports)


def test_the_recorded_process_is_recognised() -> None:
    assert myself().alive()


def test_a_recycled_pid_is_not_ours() -> None:
    assert not replace(myself(), started="another-boot:1").alive()


def test_stopping_a_recycled_pid_signals_nobody() -> None:
    processes.stop(replace(myself(), started="another-boot:1"), grace_seconds=0)  # else this very process would end


def test_a_pid_that_nobody_has_has_no_mark() -> None:
    assert processes.start_mark(2**22 + 1) is None


@pytest.mark.parametrize("content", ["", "{", '{"name": "etcd"}', "[]"])
def test_an_unreadable_record_counts_as_none(paths: Paths, content: str) -> None:
    paths.create()
    (paths.run / "etcd.json").write_text(content)
    assert processes.load(paths, "etcd") is None
    assert processes.records(paths) == []


def test_a_port_that_a_stranger_holds_is_refused_by_name_and_pid() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        number = stranger.getsockname()[1]
        with pytest.raises(LocalError) as refused:
            processes.refuse_taken_ports(daemon(Port(number=number)))
    line = str(refused.value)
    assert f"registry needs 127.0.0.1:{number}" in line
    assert f"(pid {os.getpid()}) listens there: stop it first" in line
    assert "\n" not in line


def test_a_listener_on_all_addresses_takes_the_port_too() -> None:
    with socket.create_server(("", 0)) as stranger, pytest.raises(LocalError, match="stop it first"):
        processes.refuse_taken_ports(daemon(Port(number=stranger.getsockname()[1])))


def test_the_same_port_on_another_address_is_free() -> None:
    with socket.create_server(("127.0.0.2", 0)) as stranger:
        processes.refuse_taken_ports(daemon(Port(number=stranger.getsockname()[1])))


def test_the_sockets_of_a_process_that_has_just_ended_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubelet that is restarted ends thread by thread; for a moment its port has a holder that is no process."""
    ending = [Taken(address="127.0.0.1", number=10248, pid=None)]
    looks = [ending, ending, []]
    monkeypatch.setattr(processes.ports, "taken", lambda: looks.pop(0))
    processes.refuse_taken_ports(daemon(Port(number=10248)))
    assert looks == []
    monkeypatch.setattr(processes.ports, "taken", lambda: ending)
    with pytest.raises(LocalError, match=r"registry needs 127.0.0.1:10248, but another process listens there"):
        processes.refuse_taken_ports(daemon(Port(number=10248)), patience_seconds=0)


def test_a_daemon_that_ended_is_reported_with_its_last_line_and_its_log(paths: Paths) -> None:
    paths.create()
    log = paths.logs / "registry.log"
    log.write_text("starting\nbind: address already in use\n\n")
    ended = replace(myself(), name="registry", started="gone")
    with pytest.raises(LocalError) as died:
        processes.Launcher(paths).await_healthy(replace(daemon(), probe=fails), ended, timeout_seconds=5)
    assert str(died.value) == f"registry has ended: 'bind: address already in use'; full log: {log}"


def test_a_daemon_that_never_gets_healthy_is_reported_with_the_probe_s_reason(paths: Paths) -> None:
    paths.create()
    with pytest.raises(LocalError, match=r"not healthy after 0 s: http://127\.0\.0\.1:1/: connection refused"):
        processes.Launcher(paths).await_healthy(replace(daemon(), probe=fails), myself(), timeout_seconds=0)


def test_a_daemon_sees_nothing_of_the_caller_s_environment(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.create()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    monkeypatch.setenv("KUBECONFIG", "/somewhere/else")
    environment = processes.daemon_environment(paths, Path("/cache/bin/kubelet"))
    assert set(environment) == {"PATH", "HOME", "TMPDIR"}
    assert environment["PATH"].startswith("/cache/bin:")


def test_a_daemon_with_a_resolver_of_its_own_alone_sees_it(paths: Paths) -> None:
    paths.create()
    own, shell = paths.etc / "own.conf", replace(daemon(), arguments=("-c", "cat /etc/resolv.conf"))
    plain = processes.command_of(shell, Path("/bin/sh"))
    seeing = processes.command_of(replace(shell, resolver=own), Path("/bin/sh"))
    assert plain == ["/bin/sh", "-c", "cat /etc/resolv.conf"]
    assert seeing[-3:] == plain
    if os.geteuid():
        pytest.skip("a mount needs root, as the cluster does")
    before = Path("/etc/resolv.conf").read_text()
    own.write_text("nameserver 192.0.2.1\n")
    try:
        seen = subprocess.run(seeing, capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"no mounts here, so no cluster either: {failure.stderr}")
    assert seen == "nameserver 192.0.2.1\n"
    assert Path("/etc/resolv.conf").read_text() == before


def test_the_last_line_of_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert processes.last_line(tmp_path / "none.log") == ""


def test_processes_are_found_by_the_folder_of_their_program() -> None:
    program = Path("/proc/self/exe").readlink()
    assert os.getpid() in processes.running_from(program.parent)
    assert os.getpid() not in processes.running_from(Path("/nowhere"))
