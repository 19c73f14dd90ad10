"""The remedies for common causes of a pod that does not become ready, as fields of a catalogue entry."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Remedy:
    """One cause, and what to do about it."""

    pattern: re.Pattern[str]
    """Found in a reason: texts of the kubelet, the scheduler, the API server, runc, the C library and Python."""
    advice: str
    final: bool = False
    """Whether nothing but a change of the stack or the cluster helps. Waiting longer does not."""


_HOME = r"/\.(cache|config|local|cargo|npm|keras|triton|huggingface)\b"


def _row(pattern: str, advice: str, *, final: bool = False) -> Remedy:
    return Remedy(re.compile(pattern), advice, final)


REMEDIES = (
    _row(
        rf"(?=.*([Rr]ead-only file system|[Pp]ermission denied)).*{_HOME}|"
        r"(HOME|home directory).*(not (set|defined|found)|determine)|[Cc]ould not determine home|"
        r"KeyError: 'getpwuid|no (locatable|writable) .*(cache|home)",
        "the image's home directory is not writable: set home: {path: <folder>, size: <size>}",
        final=True,
    ),
    _row(
        r"[Rr]ead-only file system",
        "the root file system is read-only: name the folder in writable, write below /tmp (scratch sets its size), or "
        "mount a volume with mounts",
        final=True,
    ),
    _row(
        r"exec format error|no match(ing)? (for platform|manifest)|does not match the (detected|specified) .*platform",
        "the image is for another processor architecture than the node: build it for the node's (docker buildx build "
        "--platform), or choose nodes with scheduling.nodeSelector kubernetes.io/arch",
        final=True,
    ),
    _row(
        r"(executable file not found|exec: .*no such file or directory|exec.*[Pp]ermission denied)",
        "the image cannot run this command: args are the arguments of the image's entry point; correct them, or the "
        "image's ENTRYPOINT",
        final=True,
    ),
    _row(
        r"[Pp]ermission denied.*(bind|port|:\d{1,3}\b)|(bind|listen).*[Pp]ermission denied",
        "ports below 1024 need a privilege that the pod does not have: let the server listen on $PORT, and set port to "
        "1024 or more",
        final=True,
    ),
    _row(
        r"[Pp]ermission denied",
        "the server runs as user 10001, not as root: make the path readable for every user in the image, and write "
        "below /tmp or to a volume in mounts",
        final=True,
    ),
    _row(
        r"unknown role|unrecognized arguments|invalid choice|[Nn]o such (option|command)|unknown (command|flag)|"
        r"\b[Uu]sage: |exit code 12[67]\b",
        "the image does not accept this command: correct args, which are the arguments of the image's entry point",
        final=True,
    ),
    _row(
        r"\b(ModuleNotFoundError|ImportError|SyntaxError|IndentationError|NameError|AttributeError|TypeError): |"
        r"Cannot find module|error while loading shared libraries",
        "the image's own code fails: fix it, and build the image again",
        final=True,
    ),
    _row(
        r"image will run as root|runAsNonRoot",
        "the kubelet starts no image whose user is root or a name: write USER <number> in its Dockerfile, or set user",
        final=True,
    ),
    _row(r"[Nn]o space left on device", "the volume or /tmp is full: raise scratch, model.size or the volume's size"),
    _row(
        r"OOMKilled|[Oo]ut of memory|MemoryError",
        "the memory limit is too low: raise resources.limits.memory, or load less at the start",
    ),
    _row(
        r"probe failed: .*connection refused",
        "nothing listens on this port: set port to the server's port, or let the server listen on 0.0.0.0:$PORT; if it "
        "only starts slowly, raise health.startup",
    ),
    _row(
        r"probe failed: .*statuscode: 404", "the server has no such path: set health.ready and health.live to its paths"
    ),
    _row(
        r"probe failed: .*statuscode: (401|403)",
        "probes carry no credentials: answer health.ready and health.live without them",
    ),
    _row(
        r"probe failed: .*(statuscode: 5\d\d|deadline exceeded|Timeout)",
        "the server is not ready in time: look for the cause in its log; raise health.startup if it starts slowly, or "
        "health.timeout if it answers slowly",
    ),
    _row(
        r"[Nn]o PriorityClass|PriorityClass.*not found",
        "create the PriorityClass in the cluster, or set scheduling.priorityClass to an existing one",
        final=True,
    ),
    _row(
        r"RuntimeClass.*not found",
        "create the RuntimeClass in the cluster, or set scheduling.runtimeClass to an existing one",
        final=True,
    ),
    _row(
        r"exceeded quota|failed quota|must specify",
        "the namespace's ResourceQuota is full: raise it, or lower resources, replicas or rollout.maxSurge",
        final=True,
    ),
    _row(
        r"denied (the )?request",
        "an admission webhook of the cluster refuses the pod: satisfy its rule, or ask its owner for an exception",
        final=True,
    ),
    _row(
        r"failed calling webhook",
        "an admission webhook of the cluster does not answer: check its pods; the cluster retries",
    ),
    _row(
        r"violates PodSecurity",
        "the namespace's Pod Security level refuses the pod: ask the cluster's owner",
        final=True,
    ),
    _row(
        r"(maximum|minimum) (cpu|memory|\S+) usage per|is forbidden: .*limit",
        "the namespace's LimitRange refuses the pod: change resources, or the LimitRange",
        final=True,
    ),
    _row(r"Insufficient |Too many pods", "no node has room: lower resources.requests, or add a node"),
    _row(
        r"node affinity|node\(s\) didn't match|untolerated taint|node selector",
        "no node matches: correct scheduling.nodeSelector, nodeAffinity or tolerations, or add such a node",
    ),
    _row(
        r"unbound immediate PersistentVolumeClaims", "the volume does not exist yet: look at its claim and storageClass"
    ),
    _row(
        r"unauthorized|authentication required|pull access denied|no basic auth|403 Forbidden",
        "the cluster may not pull the image: list its pull secret in slipway:cluster.pullSecrets",
        final=True,
    ),
    _row(
        r"(pull|resolve|[Ii]mage).*(not found|manifest unknown|does not exist)|InvalidImageName|ErrImageNeverPull",
        "the registry has no such image: push it, or correct its reference",
        final=True,
    ),
)
"""The first row that matches counts, so that a special cause precedes a general one."""


def remedy(reason: str) -> Remedy | None:
    """Return the remedy for the cause that a reason names, or None if the cause is not a common one."""
    return next((one for one in REMEDIES if one.pattern.search(reason)), None)


def advised(reason: str) -> str:
    """Return a reason, with what to set if its cause is a common one."""
    found = remedy(reason)
    return f"{reason}; {found.advice}" if found else reason
