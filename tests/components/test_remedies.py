"""What to set, for the texts in which kubelet, scheduler, API server and programs name a cause."""

import re

from components.remedies import REMEDIES, advised, remedy
from tests.each import each
from tests.recording import PROJECT

TEXTS: dict[str, list[str]] = {
    "set home": [
        "PermissionError: [Errno 13] Permission denied: '/.cache'",
        "OSError: [Errno 30] Read-only file system: '/srv/.cache'",
        "There was a problem when trying to write in your cache folder (/app/.cache/huggingface): no writable cache",
        "RuntimeError: Could not determine home directory.",
        "mkdir: cannot create directory '/.config': Permission denied",
    ],
    "write below /tmp": ["OSError: [Errno 30] Read-only file system: '/app/x'", "open /x: read-only file system"],
    "--platform": [
        "exec /usr/bin/python: exec format error",
        "ErrImagePull: no match for platform in manifest: not found",
        "no matching manifest for linux/arm64 in the manifest list entries",
    ],
    "ENTRYPOINT": [
        'exec: "serve": executable file not found in $PATH: unknown',
        'exec: "/app/serve": stat /app/serve: no such file or directory: unknown',
        'exec: "/app/serve": permission denied: unknown',
    ],
    "$PORT": ["PermissionError: [Errno 13] Permission denied: could not bind on ('0.0.0.0', 80)"],
    "user 10001": ["PermissionError: [Errno 13] Permission denied: '/data/x'"],
    "correct args": [
        "serving: role 'x': unknown role; try y",
        "error: unrecognized arguments: --prot",
        "(exit code 127, Error)",
    ],
    "own code": ["ModuleNotFoundError: No module named 'torch'", "Error: Cannot find module '/app/x.js'"],
    "resources.limits.memory": ["ended (exit code 137, OOMKilled)", "MemoryError: Unable to allocate 9 GiB"],
    "raise scratch": ["OSError: [Errno 28] No space left on device"],
    "set port": ['Startup probe failed: Get "http://10.0.0.1:80/": dial tcp 10.0.0.1:80: connect: connection refused'],
    "set health.ready": ["Readiness probe failed: HTTP probe failed with statuscode: 404"],
    "no credentials": ["Readiness probe failed: HTTP probe failed with statuscode: 401"],
    "health.startup": [
        "Startup probe failed: HTTP probe failed with statuscode: 503",
        'Readiness probe failed: Get "http://10.0.0.1:80/": context deadline exceeded (Client.Timeout exceeded)',
    ],
    "scheduling.priorityClass": ['pods "x" is forbidden: no PriorityClass with name nope was found'],
    "scheduling.runtimeClass": ['pods "x" is forbidden: pod rejected: RuntimeClass "nope" not found'],
    "ResourceQuota": ["is forbidden: exceeded quota: q, requested: pods=1", "failed quota: q: must specify limits.cpu"],
    "ask its owner": ['admission webhook "policy.example.com" denied the request: no'],
    "does not answer": ['failed calling webhook "policy.example.com": connect: connection refused'],
    "Pod Security level": ['violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'],
    "LimitRange": ["is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi"],
    "no node has room": ["Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."],
    "nodeSelector, nodeAffinity": [
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
        "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}.",
    ],
    "storageClass": ["0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."],
    "pullSecrets": ["ErrImagePull: failed to authorize: 401 Unauthorized: authentication required"],
    "push it": ['failed to pull and unpack image "r/x@sha256:0": r/x@sha256:0: not found'],
    "the kubelet starts no image": ["container has runAsNonRoot and image will run as root"],
}
ELSEWHERE = {"pullSecrets"}
"""Fields of the stack file. The others are the entry's."""
PASSES = (
    "failed calling webhook",
    "Insufficient cpu",
    "Startup probe failed: connection refused",
    "status unknown for quota: shop",
    "ErrImagePull: dial tcp: lookup r.example.com: no such host",
    "ErrImagePull: 429 Too Many Requests",
    "ConnectionError: connection refused",
    'secret "x" not found',
)
"""What another controller, a node or somebody else may yet repair."""


@each("advice", TEXTS)
def test_each_text_of_a_cause_has_its_remedy(advice: str) -> None:
    for text in TEXTS[advice]:
        found = remedy(text)
        assert found, text
        assert advice in found.advice, text
        assert advised(text) == f"{text}; {found.advice}"


def test_every_remedy_is_the_one_of_some_text() -> None:
    used = {remedy(text) for texts in TEXTS.values() for text in texts}
    assert used == set(REMEDIES)


def test_what_may_pass_by_itself_is_not_final() -> None:
    for text in PASSES:
        found = remedy(text)
        assert not (found and found.final), text


def test_a_reason_without_a_remedy_stays_as_it_is() -> None:
    assert advised("ValueError: no") == "ValueError: no"


def test_the_fields_that_remedies_name_exist() -> None:
    schema = (PROJECT / "schema" / "catalog.schema.json").read_text("utf-8")
    advices = " ".join(one.advice for one in REMEDIES)
    fields = set(re.findall(r"\b[a-z]+[A-Z]\w+|\b(?:scratch|mounts|env|args|port|limits|startup)\b", advices))
    assert len(fields) > 10
    assert [name for name in sorted(fields - ELSEWHERE) if f'"{name}"' not in schema] == []
