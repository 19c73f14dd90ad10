"""End the cluster early when the machine shuts down.

The daemons run in their own cgroup, not in a systemd unit. At shutdown, systemd would signal all of them at once and
wait 90 s for an API server that waits for its dead etcd. A transient unit, which systemd stops first, kills them
instead. The unit leaves no file and does not survive a reboot; `up` creates it again.
"""

import shlex
import shutil
from pathlib import Path

from local import cgroups, pki
from local.commands import run
from local.errors import LocalError
from local.paths import Paths

UNIT = "slipway-cluster.service"
_SYSTEMD = Path("/run/systemd/system")  # exists if systemd is the machine's init (sd_booted(3))


def script(mount: Path = cgroups.MOUNT) -> str:
    """Return the shell script that kills every process in the cluster's cgroup."""
    v1 = f"find {mount}/*/{cgroups.NAME} -name cgroup.procs -exec cat {{}} +"
    return f"""# Written by `make up`, run by {UNIT} at shutdown.
kill_all={mount}/{cgroups.NAME}/cgroup.kill
if [ -e "$kill_all" ]; then
    echo 1 > "$kill_all"
else  # what is killed first may be started again by what is killed last
    for round in 1 2 3; do {v1} | sort -u | xargs -r kill -KILL; done
fi
"""


def arm(paths: Paths) -> None:
    """Create the unit, if systemd runs and the unit does not exist."""
    if not _systemd_runs() or _active():
        return
    file = paths.etc / "end-cluster.sh"
    pki.write_private(file, script().encode())
    stop = f"/bin/sh {shlex.quote(str(file))}"
    properties = ("Type=oneshot", "RemainAfterExit=yes", f"ExecStop={stop}")
    options = [f"--property={one}" for one in properties]
    description = "--description=Ends Slipway's local cluster at shutdown"
    run(["systemd-run", "--quiet", f"--unit={UNIT}", description, *options, "/bin/true"])


def disarm() -> None:
    """Stop the unit, which also kills what is left of the cluster."""
    if _systemd_runs() and _active():
        run(["systemctl", "stop", UNIT])


def _systemd_runs() -> bool:
    return _SYSTEMD.is_dir() and shutil.which("systemd-run") is not None


def _active() -> bool:
    try:
        run(["systemctl", "is-active", "--quiet", UNIT])
    except LocalError:
        return False
    return True
