"""The quota has room for all that a system declares, and for nothing else."""

from decimal import Decimal
from typing import Any

from models.quantity import parse
from tests.contracts.cases import Case, entry, in_every_case, pod, workloads
from tests.declared import Declared, Objects

SHARED = {"cpu", "memory", "ephemeral-storage"}


def most_pods(run: Objects[Declared], workload: Declared) -> int:
    """How many pods a workload may have at once, those that leave included."""
    if workload.kind == "StatefulSet":
        return int(workload.inputs["spec"]["replicas"])
    if workload.kind == "Job":
        return 2
    spec = workload.inputs["spec"]
    wanted = spec.get("replicas") or ceiling(run, workload.object_name)
    return 2 * wanted + int(spec["strategy"]["rollingUpdate"]["maxSurge"])


def ceiling(run: Objects[Declared], deployment: str) -> int:
    """The replicas up to which an HPA, or KEDA's, scales a Deployment."""
    for scaler in run.of_kind("HorizontalPodAutoscaler"):
        if scaler.inputs["spec"]["scaleTargetRef"]["name"] == deployment:
            return int(scaler.inputs["spec"]["maxReplicas"])
    for scaler in run.of_kind("ScaledObject"):
        if scaler.inputs["spec"]["scaleTargetRef"]["name"] == deployment:
            return int(scaler.inputs["spec"]["maxReplicaCount"])
    raise AssertionError(f"{deployment} has neither replicas nor a scaler")


def of_one_pod(workload: Declared) -> dict[str, Decimal]:
    """What one pod is charged with: the larger of its init containers' and its containers' amounts."""
    spec = pod(workload)["spec"]
    charged: dict[str, Decimal] = {}
    for kind in ("requests", "limits"):
        main = added(container["resources"][kind] for container in spec["containers"])
        for container in spec.get("initContainers", []):
            own = added([container["resources"][kind]])
            main = {key: max(main.get(key, Decimal(0)), own.get(key, Decimal(0))) for key in main.keys() | own.keys()}
        charged |= {f"{kind}.{key}": amount for key, amount in main.items() if kind == "requests" or key in SHARED}
    return charged


def added(lists: Any) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for amounts in lists:
        for key, amount in amounts.items():
            total[key] = total.get(key, Decimal(0)) + parse(str(amount))
    return total


@in_every_case
def test_the_quota_is_what_the_registered_pods_may_use_at_their_most(run: Objects[Declared]) -> None:
    hard = {key: parse(amount) for key, amount in run.one("ResourceQuota").inputs["spec"]["hard"].items()}
    needed: dict[str, Decimal] = {"pods": Decimal(0)}
    for workload in workloads(run):
        if workload.inputs["metadata"]["labels"].get("slipway.dev/slot") == "green":
            continue
        # The other slot may be filled as well.
        pods = most_pods(run, workload) * (2 if workload.kind == "Deployment" else 1)
        needed["pods"] += pods
        for key, amount in of_one_pod(workload).items():
            needed[key] = needed.get(key, Decimal(0)) + pods * amount
    assert {key: amount for key, amount in hard.items() if key in needed or not is_storage(key)} == needed


def is_storage(key: str) -> bool:
    return "persistentvolumeclaims" in key or key.endswith("requests.storage")


@in_every_case
def test_the_quota_is_what_the_registered_claims_ask_for(run: Objects[Declared], case: Case) -> None:
    needed: dict[str, Decimal] = {"persistentvolumeclaims": Decimal(0), "requests.storage": Decimal(0)}
    claims = run.of_kind("PersistentVolumeClaim")
    for claim in claims:
        spec = claim.inputs["spec"]
        classes = [f"{spec['storageClassName']}.storageclass.storage.k8s.io/"] if "storageClassName" in spec else []
        for prefix in ("", *classes):
            for key, amount in (
                ("persistentvolumeclaims", Decimal(1)),
                ("requests.storage", parse(spec["resources"]["requests"]["storage"])),
            ):
                needed[prefix + key] = needed.get(prefix + key, Decimal(0)) + amount
    hard = run.one("ResourceQuota").inputs["spec"]["hard"]
    assert {key: parse(amount) for key, amount in hard.items() if is_storage(key)} == needed
    assert len(claims) == len(entry(case.entry).volumes) + len(entry(case.entry).stores)
