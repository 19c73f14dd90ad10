"""Register manifests with Pulumi: resolve images and secrets, set the order, and wait for what must be ready."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi

from components.lean import begin_registrations
from components.manifests.manifest import Json, Later, Manifest, Part
from components.replicas import ReplicaHooks
from components.rollout import Rollouts, Workload

_ROLLED_OUT = ("Deployment", "StatefulSet")


@dataclass(frozen=True, kw_only=True)
class RegistrationArgs:
    """What the registration of a system's manifests needs besides the manifests."""

    images: Mapping[str, pulumi.Output[str]]
    """The reference of each built image by digest, by the image's key in the catalogue entry."""
    namespace: pulumi.Output[str]
    """The namespace's name, known once every slot may run."""
    protect: bool
    """Whether Pulumi refuses to delete volumes."""
    formerly: str | None
    """The entry's name at the last update, if it was different."""
    failed: pulumi.ErrorHook
    """Logs why pods are not ready when a workload or Job fails."""
    replicas: ReplicaHooks
    """Keep one owner for the number of pods of each Deployment."""
    taken: pulumi.ErrorHook
    """Logs when the namespace belongs to another stack."""
    rollouts: Rollouts
    """Wait for the pods of Deployments, and of StatefulSets for which Pulumi has not waited."""


class KubernetesObject(pulumi.CustomResource):
    """One object of Kubernetes.

    The classes of ``pulumi_kubernetes`` translate every name from Python's spelling to the API's, which costs time for
    each object (`make bench-preview`). The manifests already have the API's names.
    """

    metadata: pulumi.Output[Any]


class Registration:
    """Registers the manifests of one system, each below the component of its part."""

    def __init__(self, system: str, args: RegistrationArgs, opts: pulumi.ResourceOptions) -> None:
        self._system, self._args, self._opts = system, args, opts
        self._namespace = args.namespace
        self._parts: dict[Part, pulumi.ComponentResource] = {}
        self._ready: dict[str, pulumi.Input[pulumi.Resource]] = {}

    def add(self, manifests: Iterable[Manifest]) -> None:
        """Register manifests in their order: each may depend only on earlier ones."""
        self._part(Part("Secrets", f"{self._system}-secrets"))  # also for a system without Secrets, as in older states
        for manifest in manifests:
            self._ready[manifest.id] = self._registered(manifest)
        for part in self._parts.values():
            part.register_outputs({})
        begin_registrations()

    def _registered(self, manifest: Manifest) -> pulumi.Input[pulumi.Resource]:
        options = self._options(manifest)
        properties = self._properties(manifest)
        if manifest.kind in _ROLLED_OUT:
            workload = Workload(manifest.token, manifest.resource, properties, options)
            return self._args.rollouts.rolled_out(workload, manifest)
        made = KubernetesObject(manifest.token, manifest.resource, properties, options)
        if manifest.kind == "Namespace":
            # What names the namespace by this output is created after it.
            self._namespace = made.metadata.apply(lambda metadata: str(metadata["name"]))
        return made

    def _properties(self, manifest: Manifest) -> Json:
        document = cast("Json", self._resolved(manifest.document))
        described: Json = document["metadata"]
        if manifest.kind == "Namespace":
            described["name"] = self._namespace
        else:
            described["namespace"] = self._namespace
        if manifest.kind == "Secret":
            # Mark each value as secret: a map of secrets is not kept as one and would show them in the state.
            document["stringData"] = {key: pulumi.Output.secret(value) for key, value in document["stringData"].items()}
        return document

    def _resolved(self, value: object) -> object:
        """Return a copy in which texts of built images are outputs."""
        if isinstance(value, Later):
            return self._args.images[value.image].apply(value.read)
        if isinstance(value, dict):
            return {key: self._resolved(item) for key, item in cast("Json", value).items()}
        if isinstance(value, list):
            return [self._resolved(item) for item in cast("list[object]", value)]
        return value

    def _options(self, manifest: Manifest) -> pulumi.ResourceOptions:
        kind = manifest.kind
        options = pulumi.ResourceOptions(
            parent=self._part(manifest.part),
            depends_on=[self._ready[one] for one in manifest.after],
            hooks=self._hooks(kind),
        )
        if manifest.wait is not None or manifest.gone is not None:
            limit, gone = (None if seconds is None else f"{seconds}s" for seconds in (manifest.wait, manifest.gone))
            options.custom_timeouts = pulumi.CustomTimeouts(create=limit, update=limit, delete=gone)
        if kind == "Job":
            options.delete_before_replace = True  # otherwise `pulumi up --replace` finds the failed Job by its name
        if kind == "PersistentVolumeClaim":
            options.protect = self._args.protect
        if kind == "Secret":
            options.additional_secret_outputs = ["data", "stringData"]
        if manifest.part.kind == "Secrets" and self._args.formerly:
            # Pulumi adds an alias only if a child's name starts with its parent's.
            key = manifest.resource.removeprefix(f"{self._system}-")
            options.aliases = [pulumi.Alias(name=f"{self._args.formerly}-{key}")]
        return options

    def _hooks(self, kind: str) -> pulumi.ResourceHookBinding | None:
        args = self._args
        match kind:
            case "Deployment":
                return pulumi.ResourceHookBinding(
                    before_update=[args.replicas.deployment],
                    after_create=[args.rollouts.changed],
                    after_update=[args.rollouts.changed],
                    on_error=[args.failed],
                )
            case "HorizontalPodAutoscaler":
                return pulumi.ResourceHookBinding(before_create=[args.replicas.autoscaler])
            case "ScaledObject":
                return pulumi.ResourceHookBinding(before_create=[args.replicas.scaled_object])
            case "Job" | "StatefulSet":
                return pulumi.ResourceHookBinding(on_error=[args.failed])
            case "Namespace":
                return pulumi.ResourceHookBinding(on_error=[args.taken])
            case _:
                return None

    def _part(self, part: Part) -> pulumi.ComponentResource:
        if part not in self._parts:
            kind = f"slipway:components:{part.kind}"
            self._parts[part] = pulumi.ComponentResource(kind, part.name, None, self._opts)
        return self._parts[part]
