import hashlib
from pathlib import Path

from local import teardown
from local.paths import Paths

MOUNTS = """22 1 8:1 / / rw - ext4 /dev/vda rw
30 22 0:5 / /state/containerd/a rw - overlay overlay rw
31 30 0:6 / /state/containerd/a/proc rw - proc proc rw
32 22 0:7 / /statement rw - tmpfs tmpfs rw
33 22 0:8 / /state/with\\040space rw - tmpfs tmpfs rw
"""


def test_mounts_below_the_state_come_last_first_and_unescaped() -> None:
    assert teardown.mounts_below(Path("/state"), MOUNTS) == [
        Path("/state/with space"),
        Path("/state/containerd/a/proc"),
        Path("/state/containerd/a"),
    ]


def test_a_folder_with_a_similar_name_is_not_below() -> None:
    assert teardown.mounts_below(Path("/state/containerd/b"), MOUNTS) == []


def test_shim_sockets_are_named_as_containerd_names_them(paths: Paths) -> None:
    task = paths.state / "containerd/state/io.containerd.runtime.v2.task/k8s.io/abc"
    task.mkdir(parents=True)
    name = hashlib.sha256(f"{paths.state}/containerd/containerd.sock/k8s.io/abc".encode()).hexdigest()
    assert teardown.shim_sockets(paths) == [Path("/run/containerd/s") / name]


def test_a_cluster_that_never_ran_has_no_sockets(paths: Paths) -> None:
    assert teardown.shim_sockets(paths) == []
