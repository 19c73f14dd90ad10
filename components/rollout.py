"""Wait until a workload's pods run the declared spec, and report every workload whose pods do not.

The program waits for Deployments itself (ADR 20). The annotation ``WAIT_ELSEWHERE`` ends pulumi-kubernetes' own wait
once the controller has observed the change: that wait cannot end early, and after the first failure the engine reports
no other. Each update checks every Deployment with one list, so an update after a failed rollout waits or fails too.

Pulumi waits for StatefulSets and Jobs. pulumi-kubernetes 4.25 may treat a StatefulSet with the new spec and the old
status as a finished rollout (fixed in its pull request 4094). The outputs show it: ``status.observedGeneration`` is
behind ``metadata.generation``. The program then waits as for a Deployment.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pulumi

from components.manifests.manifest import Manifest
from components.rollout_state import Rollout, WorkloadSource
from components.workload_pods import Json, one_line

_LOOK_SECONDS, _SLOW_LOOK_SECONDS, _EAGER_SECONDS = 0.1, 0.5, 10.0
"""Pause between two looks, at first and later: most rollouts that succeed take a few seconds."""
_DOUBT_SECONDS = 2.0
"""Pause between two looks for a reason to give up, which cost requests for each workload."""
_DOUBT_COST = 0.05
"""Seconds that this pause grows with each workload that is waited for, so that hundreds do not flood the API server."""
_LIST_SHARE = 3.0
"""The pause between two lists is at least this many times as long as a list takes."""
_OTHERS_SECONDS = 15.0
"""How long the other workloads may continue after the first failure, so that one update reports every failure."""


class Workload(pulumi.CustomResource):
    """A Deployment or a StatefulSet."""

    metadata: pulumi.Output[Json]
    status: pulumi.Output[Json | None]

    def __init__(self, token: str, name: str, properties: Json, opts: pulumi.ResourceOptions) -> None:
        super().__init__(token, name, {**properties, "status": None}, opts)


class Rollouts:
    """The waits of one update."""

    def __init__(self, source: WorkloadSource) -> None:
        self._source = source
        self._lists = _Lists(source)
        self._changed: set[str] = set()
        self._waiting: set[Rollout] = set()
        self._failures: list[str] = []
        self._ends: float | None = None
        """When the remaining waits end, because another one has failed."""
        self.changed = pulumi.ResourceHook("deployment-changed", self._note_change)
        """Tells which Deployments this update creates or changes."""

    def _note_change(self, args: pulumi.ResourceHookArgs) -> None:
        self._changed.add(args.urn)

    def rolled_out(self, workload: Workload, manifest: Manifest) -> pulumi.Input[pulumi.Resource]:
        """Return the workload once its pods run the declared spec, so that dependent resources wait for the rollout.

        If the rollout takes longer than ``manifest.wait``, or if waiting is hopeless, the update fails with the reasons
        of all workloads that are not rolled out.
        """
        if pulumi.runtime.is_dry_run():
            return workload  # a preview's outputs always combine the new spec with the old status

        async def proven(seen: list[Any]) -> Workload:
            urn, metadata, status = seen
            observed = status is None or (status.get("observedGeneration") or 0) >= metadata["generation"]
            if status is None or (manifest.kind == "StatefulSet" and observed):
                return workload
            strict = urn in self._changed and "replicas" in manifest.document["spec"]
            rollout = Rollout(self._source, manifest.kind, metadata["namespace"], metadata["name"], strict=strict)
            await self._wait(rollout, manifest.wait or 0)
            return workload

        return pulumi.Output.all(workload.urn, workload.metadata, workload.status).apply(proven)

    async def _wait(self, rollout: Rollout, seconds: int) -> None:
        self._waiting.add(rollout)
        try:
            failures = await self._failures_of(rollout, seconds)
        finally:
            self._waiting.discard(rollout)
        if not failures:
            return
        self._failures += failures
        self._ends = self._ends or time.monotonic() + _OTHERS_SECONDS
        # The first exception ends the program, so raise it only when the other waits have ended.
        while self._waiting:  # noqa: ASYNC110 -- waits may begin and end meanwhile
            await asyncio.sleep(_LOOK_SECONDS)
        raise pulumi.RunError("\n".join(self._failures))

    async def _failures_of(self, rollout: Rollout, seconds: int) -> list[str]:
        """Return one line for each reason why the rollout failed, or nothing once it is complete."""
        began = time.monotonic()
        doubted = began
        while True:
            # Run each check in a thread: a program that ends for another reason must not wait for the whole rollout.
            found, trouble = await self._lists.found(rollout.kind, rollout.namespace, rollout.name)
            if rollout.complete(found):
                return []
            now = time.monotonic()
            why = rollout.ended(now, found, trouble)
            if not why and not trouble and now - doubted >= max(_DOUBT_SECONDS, _DOUBT_COST * len(self._waiting)):
                doubted = now
                why = await asyncio.to_thread(rollout.hopeless, now, found)
            if not why and now - began > seconds:
                why = f"was not rolled out within {seconds} s"
            if not why and self._ends is not None and now > self._ends:
                why = "was not rolled out yet when another workload failed"
            if why:
                return await asyncio.to_thread(rollout.failures, why, found, trouble)
            pause = _LOOK_SECONDS if now - began < _EAGER_SECONDS else _SLOW_LOOK_SECONDS
            await asyncio.sleep(max(pause, _LIST_SHARE * self._lists.seconds))


class _Lists:
    """One list of each kind of workload, which all waits share: an update may wait for hundreds of Deployments."""

    def __init__(self, source: WorkloadSource) -> None:
        self._source = source
        self._read: dict[tuple[str, str], tuple[float, Mapping[str, Json], str]] = {}
        self._turn = asyncio.Lock()
        self.seconds = 0.0
        """How long the last list took."""

    async def found(self, kind: str, namespace: str, name: str) -> tuple[Json | None, str]:
        """Return a workload, or None if it does not exist, and why it cannot be read, or an empty string."""
        asked = time.monotonic()
        async with self._turn:
            read, workloads, trouble = self._read.get((kind, namespace), (-1.0, {}, ""))
            if read < asked:  # a list that began earlier may be older than the change
                read = time.monotonic()
                workloads, trouble = await asyncio.to_thread(self._list, kind, namespace)
                self._read[kind, namespace] = read, workloads, trouble
                self.seconds = time.monotonic() - read
        return workloads.get(name), trouble

    def _list(self, kind: str, namespace: str) -> tuple[Mapping[str, Json], str]:
        try:
            return self._source.workloads(kind, namespace), ""
        except Exception as error:  # noqa: BLE001 -- a short outage of the API server must not fail a rollout
            return {}, one_line(error)
