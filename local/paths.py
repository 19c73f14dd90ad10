"""The local cluster's directories: a state directory, which `down` removes, and a cache, which stays."""

import os
from dataclasses import dataclass
from pathlib import Path

from local import owner
from local.addresses import Addresses
from local.errors import LocalError

# The path of a unix socket has at most 107 bytes. The longest one below the state directory is the kubelet's.
_LONGEST_SOCKET = len("/kubelet/pod-resources/kubelet.sock")
_SOCKET_LIMIT = 107
_STATE, _MARKER = ".local/state/slipway", ".slipway-state"


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The directories of one cluster; `project` is the root of the clone."""

    project: Path
    state: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> "Paths":
        """Read SLIPWAY_STATE and SLIPWAY_CACHE, with the XDG folders as defaults; raises LocalError."""
        home = _home()
        paths = cls(
            project=Path(__file__).resolve().parent.parent,
            state=_absolute("SLIPWAY_STATE", home / _STATE),
            cache=_absolute("SLIPWAY_CACHE", home / ".cache/slipway"),
        )
        if len(str(paths.state)) + _LONGEST_SOCKET > _SOCKET_LIMIT:
            rule = f"at most {_SOCKET_LIMIT - _LONGEST_SOCKET} characters, because it contains Unix sockets"
            raise LocalError(f"SLIPWAY_STATE: {str(paths.state)!r} is too long: {rule}; choose a shorter folder")
        return paths

    def create(self) -> None:
        """Create the directories, readable only by their owner, and the marker that lets `down` remove the state."""
        if self.state.is_dir() and any(self.state.iterdir()) and not self.is_ours():
            raise LocalError(f"SLIPWAY_STATE: {self.state} contains files that are not Slipway's: set an empty folder")
        folders = (self.pki, self.run, self.logs, self.etc, self.pulumi_home, self.pulumi_backend)
        for folder in (self.state, self.cache, *folders, self.buildx / "instances"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.state.chmod(0o700)
        (self.state / _MARKER).touch()

    def is_ours(self) -> bool:
        """Return whether `create` made the state directory, so that its removal deletes nobody else's files."""
        return (self.state / _MARKER).is_file()

    @property
    def addresses(self) -> Addresses:
        """The cluster's network and ports."""
        return Addresses.load(self.addresses_record)

    @property
    def addresses_record(self) -> Path:
        """The file that records the network and ports that `up` chose."""
        return self.state / "addresses.json"

    @property
    def pki(self) -> Path:
        """Certificates, keys, kubeconfigs: files 0600."""
        return self.state / "pki"

    @property
    def run(self) -> Path:
        """One JSON record per daemon."""
        return self.state / "run"

    @property
    def logs(self) -> Path:
        """One log per daemon, and the API server's audit log."""
        return self.state / "logs"

    @property
    def etc(self) -> Path:
        """Generated configuration files of the daemons."""
        return self.state / "etc"

    @property
    def bin(self) -> Path:
        """Links to the programs that `make env` puts on the PATH."""
        return self.state / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; its only context is `slipway-local`."""
        return self.pki / "admin.kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.state / "containerd/containerd.sock"

    @property
    def buildkit_socket(self) -> Path:
        """Where BuildKit listens."""
        return self.state / "buildkit/buildkitd.sock"

    @property
    def buildx(self) -> Path:
        """BUILDX_CONFIG: names the local BuildKit as the builder instance `slipway`."""
        return self.state / "buildx"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME: holds the built plugins, so that no other installation is touched."""
        return self.state / "pulumi/home"

    @property
    def pulumi_backend(self) -> Path:
        """Pulumi's file backend."""
        return self.state / "pulumi/backend"

    @property
    def pulumi_backend_url(self) -> str:
        """The backend's URL, without sidecar files: Pulumi writes these in place, so a reader could see half of one."""
        return f"file://{self.pulumi_backend}?metadata=skip"

    @property
    def pulumi_passphrase(self) -> Path:
        """PULUMI_CONFIG_PASSPHRASE_FILE, random per cluster."""
        return self.state / "pulumi/passphrase"

    @property
    def wheels(self) -> Path:
        """The wheels that image builds install from; inside the clone, because it is a build context."""
        return self.project / ".slipway/wheels"


def _home() -> Path:
    """Return the home directory that holds the cluster.

    With sudo it is the home of the user who ran it, so that commands without sudo find the cluster too. A cluster that
    an earlier version created with sudo is in root's home, and stays there until `down`.
    """
    user = owner.invoking()
    if user is None or (owner.own_home() / _STATE / _MARKER).is_file():
        return owner.own_home()
    return user.home


def _absolute(variable: str, default: Path) -> Path:
    """Return the folder that a variable names; refuse a relative one, whose meaning would change with `cd`."""
    given = os.environ.get(variable, "")
    if not given:
        return default
    path = Path(given)
    if not path.is_absolute() or path == Path("/"):
        raise LocalError(f"{variable}: {given!r} is not an absolute path: set one that Slipway may own, or unset it")
    return path
