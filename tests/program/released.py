"""Every key about releases: how they go, what a slot runs, and what is on record."""

from tests.samples import IMAGE, OTHER_IMAGE, Config

VERSION = {"uri": "s3://models/digits/1", "checksum": f"sha256:{'5f0c' * 16}"}
SERVER = {"queueLimit": 64, "logLevel": "info", "topK": 3, "variant": "int8"}
GATE: Config = {
    "errors": {"margin": 1},
    "latency": {"within": "500ms", "margin": 5},
    "histograms": {"wait": {"within": "100ms", "margin": 5}},
    "checks": {"accuracy": {"query": 'accuracy{slot="{slot}"}', "min": 0.9, "max": 1}},
    "webhook": {"url": "https://judge.example.com", "timeout": "10s"},
    "traffic": 50,
    "deadline": "10m",
}
JUDGED: Config = {
    "gate": GATE,
    "approval": True,
    "soak": "1h",
    "fresh": "24h",
    "unattended": "15m",
    "whenUnattended": "resume",
}
SLOTTED: Config = {**JUDGED, "capacity": "surge", "warm": "10m"}
MATCH: Config = {"header": {"name": "X-Canary", "value": "yes"}, "cookie": "canary"}
PATTERN: Config = {"header": {"name": "X-Canary", "pattern": "^b"}}
AT = "2026-01-02T03:04:05Z"
CONTENT: Config = {
    "image": IMAGE,
    "model": VERSION,
    "revision": "tree",
    "server": SERVER,
    "files": {"config.json": "[]"},
    "minReplicas": 2,
    "maxReplicas": 3,
}
PLACE: Config = {"entry": "maximal", "environment": "dev", "namespace": "elsewhere", "existingNamespace": False}
CONFIG = "0123456789abcdef"
OVERRIDE: Config = {"reason": "the site is down", "by": "ann", "at": AT}
ARM: Config = {"bad": 1, "total": 1826}
CHECKS: Config = {"errors": {"result": "pass", "said": "0.1 %", "candidate": ARM, "live": ARM, "value": 0.1}}
RELEASED: Config = {
    "live": "blue",
    "slots": {"blue": CONTENT, "green": {"image": OTHER_IMAGE}},
    "weight": 20,
    "match": MATCH,
}
RUN: Config = {
    "id": "1",
    "kind": "back",
    "candidate": "green",
    "stable": RELEASED,
    "target": CONTENT,
    "image": IMAGE,
    "follows": False,
    "first": False,
    "pods": 2,
    "stage": 0,
    "began": AT,
    "stageBegan": AT,
    "reached": True,
    "approvals": [{"stage": 1, "reason": "looked", "by": "me", "at": "2026-11-21T12:00:00Z"}],
    "checks": CHECKS,
    "baseline": {"errors": ARM},
    "windows": [{"stage": 0, "began": AT, "passed": AT, "webhook": {"result": "pass", "said": "webhook: 200"}}],
    "left": RELEASED,
    "express": False,
    "outcome": "rolled back",
    "reason": "5 % errors",
    "manual": False,
    "override": OVERRIDE,
    "warmUntil": AT,
    "promoted": AT,
}
ENDED: Config = {"image": IMAGE, "config": CONFIG, "content": CONTENT, "began": AT, "ended": AT, "override": OVERRIDE}
DELIVERY: Config = {
    "run": RUN,
    "verdicts": [
        {
            **ENDED,
            "revision": CONFIG,
            "inherited": CONFIG,
            "environment": "staging",
            "stack": "staging",
            "result": "pass",
            "checks": CHECKS,
            "revoked": {"reason": "slow", "at": AT},
        }
    ],
    "holds": [
        {"image": OTHER_IMAGE, "config": CONFIG, "revision": CONFIG, "reason": "5 % errors", "by": "ann", "at": AT}
    ],
    "history": [{**ENDED, "id": "0", "outcome": "promoted", "promoted": AT, "reason": "as asked", "first": True}],
}
