"""What is tried on each guest, in order: the lines of "What it must show", as steps."""

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.machines import answers, reaching
from tests.machines.firewall import FIREWALLS
from tests.machines.guests import CLONE, HOME, TRIAL
from tests.machines.leftovers import differences, joined
from tests.machines.report import Step
from tests.machines.trial import BOOT_SECONDS, COMMAND_SECONDS, DOWN_SECONDS, UP_SECONDS, Broken, Trial

_PICTURES = 5
_MEASURED_SECONDS = 20
_SHARE_OF_REQUEST = 0.95  # the pod's own threads and the kernel's bookkeeping are measured too
_SHUTDOWN_SECONDS = 10.0  # how much longer a shutdown with the cluster may take, multiplied by the factor
_STALLED_SECONDS = 45.0  # never longer than half of what systemd waits for a unit that does not end (90 s)
_BUILDKIT = f"{HOME}/.local/state/slipway/etc/buildkitd.toml"
_PULUMI_LOG = f"{HOME}/.local/state/slipway/logs/pulumi-up.log"
_NAMES = ("kubernetes.default.svc.cluster.local",)
_URLS = ("https://kubernetes.default.svc/readyz",)
_SHOWN_ALLOWED = 3


def boot(trial: Trial, step: Step) -> None:
    """Boot, and measure how slow the guest is."""
    trial.seconds["boot"] = trial.boot()
    step.facts["factor"] = trial.measure()
    step.facts["commit"] = trial.must(f"cd {CLONE} && git log -1 --oneline").strip()
    step.check("boots", passed=True, detail=f"{trial.seconds['boot']:.0f} s; {trial.factor:.1f} times slower")


def baseline(trial: Trial, step: Step) -> None:
    """Look at the machine before anything of ours ran."""
    if trial.report.firewall == "both boots":
        trial.must(FIREWALLS[trial.firewall])
    trial.looks["disk"] = trial.looks["kernel"] = trial.look()
    step.facts |= {kind: len(names) for kind, names in trial.looks["disk"].items()}


def up(trial: Trial, step: Step) -> None:
    """`make up` in a fresh clone, and one more picture, asked for as it says."""
    result = trial.make("up", UP_SECONDS)
    step.facts["seconds"] = result.seconds
    step.check("make up exits 0", result.exit == 0, f"{result.seconds:.0f} s" if result.exit == 0 else result.tail)
    if result.exit:
        trial.save_logs()
        raise Broken(f"make up ended with exit code {result.exit}")
    answered, right = answers.pictures(result.output)
    step.check("pictures answered", (answered, right) == (_PICTURES, _PICTURES), f"{right} of {answered} right")
    asked = answers.curl(result.output)
    if asked is None:
        step.check("says how to ask", passed=False, detail=result.tail)
        return
    answer = trial.run(asked)
    step.check("one more, by curl", '"label"' in answer.output, answer.tail[:200])
    unhealthy = answers.unhealthy(trial.local("status --json"))
    step.check("every daemon is healthy", not unhealthy, "\n".join(unhealthy))


def again(trial: Trial, step: Step) -> None:
    """A second `make up` changes nothing."""
    before = trial.local("status --json")
    result = trial.make("up", UP_SECONDS)
    step.check("make up exits 0", result.exit == 0, f"{result.seconds:.0f} s" if result.exit == 0 else result.tail)
    restarted = answers.restarted(before, trial.local("status --json"))
    step.check("no daemon was restarted", not restarted, ", ".join(restarted))
    changed = answers.changed_resources(trial.must(f"cat {_PULUMI_LOG}"))
    step.check("Pulumi changed nothing", not changed, changed or "")
    step.check("pictures answered", answers.pictures(result.output) == (_PICTURES, _PICTURES))


def shares(trial: Trial, step: Step) -> None:
    """Read the cgroups' limits, and let a pod, builds and daemons want all of both processors."""
    pod = next(iter(trial.pods()), None)
    if pod is None:
        raise Broken("no pod of a slot runs")
    parent = trial.must(f"sed -n 's/^defaultCgroupParent = \"\\(.*\\)\"$/\\1/p' {_BUILDKIT}").strip()
    kubelet = json.loads(trial.local("status --json"))["components"]["kubelet"]["pid"]
    given = {
        "pod": pod.uid,
        "container": pod.container,
        "daemon": kubelet,
        "builds": parent,
        "seconds": _MEASURED_SECONDS,
    }
    script = f"python3 {HOME}/{TRIAL}/starving.py {shlex.quote(json.dumps(given))}"
    found = json.loads(trial.must(script, COMMAND_SECONDS + _MEASURED_SECONDS))
    step.facts |= found
    group = next(iter(found["settings"]["pod"].values()))
    step.check("memory.max", group["memory.max"] == _memory(pod.memory_limit), group["memory.max"])
    step.check("cpu.max", group["cpu.max"].split()[0] == _cpu(pod.cpu_limit), group["cpu.max"])
    for name, places in found["settings"].items():
        weights = ", ".join(
            f"{place}: {files['cpu.weight']}" for place, files in places.items() if "cpu.weight" in files
        )
        step.check(f"cpu.weight of {name}", bool(weights), weights)
    got = found["processors"]
    enough = got["pod"] >= _SHARE_OF_REQUEST * pod.cpu_request
    step.check("a busy pod gets its request", enough, f"requests {pod.cpu_request}, limit {pod.cpu_limit}, got {got}")


def _memory(limit: float | None) -> str:
    return "max" if limit is None else str(int(limit))


def _cpu(limit: float | None) -> str:
    """Return the quota that the kubelet writes, of a period of 100 ms."""
    return "max" if limit is None else str(round(limit * 100_000))


def reach(trial: Trial, step: Step) -> None:
    """From within a pod: names, the API server, object storage, Prometheus."""
    pod = next(iter(trial.pods()), None)
    if pod is None:
        raise Broken("no pod of a slot runs")
    status = json.loads(trial.local("status --json"))
    exported = trial.must(f"cd {CLONE} && .venv/bin/python -m local env")
    storage = next(line for line in exported.splitlines() if line.startswith("export SLIPWAY_S3_ENDPOINT="))
    urls = (*_URLS, shlex.split(storage)[1].partition("=")[2], f"{status['prometheusUrl']}/-/ready")
    script = shlex.quote(Path(reaching.__file__).read_text())
    result = trial.kubectl(
        f"exec -n {pod.namespace} {pod.name} -- python3 -c {script} {' '.join((*_NAMES, *urls))}", 60
    )
    if result.exit:
        raise Broken(f"kubectl exec: {result.tail}")
    for place, answer in json.loads(result.output.strip().splitlines()[-1]).items():
        step.check(f"a pod reaches {place}", not answer.startswith("no answer"), answer)


def reboot(trial: Trial, step: Step) -> None:
    """Reboot with the cluster running, into a firewall that drops what it is not told of."""
    if not trial.report.firewall:
        trial.report.firewall = "second boot"
        trial.must(FIREWALLS[trial.firewall].replace("enable --now", "enable"))
    with trial.progress.step("shut down with the cluster running", 20):
        trial.seconds["shutdown with"] = trial.machine.leave("systemctl reboot", BOOT_SECONDS)
    trial.seconds["second boot"] = trial.boot()
    trial.looks["kernel"] = trial.look()
    step.facts |= {"shutdown": trial.seconds["shutdown with"], "boot": trial.seconds["second boot"]}
    rules = [name for name in trial.looks["kernel"]["firewall"] if '"policy": "drop"' in name]
    step.check("the firewall is up", bool(rules), f"{len(rules)} chains drop by default")


def down(trial: Trial, step: Step) -> None:
    """`make down`, and what is left after it."""
    result = trial.make("down", DOWN_SECONDS)
    step.check("make down exits 0", result.exit == 0, f"{result.seconds:.0f} s" if result.exit == 0 else result.tail)
    found = differences(joined(kernel=trial.looks["kernel"], disk=trial.looks["disk"]), trial.look())
    faults = [str(difference) for difference in found if not difference.allowed]
    step.facts["allowed"] = [str(difference) for difference in found if difference.allowed]
    step.check("nothing is left", not faults, "\n".join([f"{len(faults)} differences", *faults]) if faults else "")
    clone = trial.must(f"git -C {CLONE} status --porcelain").strip()
    step.check("the clone is as committed", not clone, clone)


def off(trial: Trial, step: Step) -> None:
    """Shut down without the cluster, and compare."""
    with trial.progress.step("shut down", 10):
        without = trial.machine.leave("systemctl reboot", BOOT_SECONDS)
    step.facts["shutdown"] = without
    if "shutdown with" in trial.seconds:
        more = trial.seconds["shutdown with"] - without
        detail = f"{trial.seconds['shutdown with']:.1f} s with the cluster, {without:.1f} s without"
        most = min(_SHUTDOWN_SECONDS * trial.factor, _STALLED_SECONDS)
        step.check(f"the cluster delays a shutdown by at most {most:.0f} s", more <= most, detail)


PLAN: Mapping[str, Callable[[Trial, Step], None]] = {
    "boot": boot,
    "baseline": baseline,
    "up": up,
    "again": again,
    "shares": shares,
    "reach": reach,
    "reboot": reboot,
    "up-after-reboot": up,
    "reach-after-reboot": reach,
    "down": down,
    "off": off,
}
