"""The Secrets of a system, from the stack's encrypted values, the environment, or an external store."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.manifests.container import BoundSecret
from models.secrets import EnvironmentSecret, ExternalSecret, ExternalStore, GivenSecret, SecretSpec
from models.system import DeployedSecret

_TYPES = {"variables": "Opaque", "registry": "kubernetes.io/dockerconfigjson"}
_WORK_FACTOR = 2**14
"""scrypt's N. Each guess at a weak value from the eight hex digits in the object's name takes 50 ms."""


Metadata = k8s.meta.v1.ObjectMetaArgsDict


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    """The arguments of :class:`Secrets`."""

    system: str
    namespace: pulumi.Output[str]
    namespace_name: str
    secrets: Mapping[str, DeployedSecret]
    formerly: str | None = None
    """The entry's name at the last update, if it was different."""


class Secrets(pulumi.ComponentResource):
    """One Secret or ExternalSecret for each secret that the entry declares."""

    names: dict[str, BoundSecret]
    """The Secret's name in the namespace and its spec, by the entry's key."""
    ready: list[pulumi.Resource]
    """Resources that must exist before a pod refers to a Secret."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Secrets", f"{name}-secrets", None, opts)
        self.names, self.ready = {}, []
        self._name, self._formerly = name, args.formerly
        for key, secret in args.secrets.items():
            if isinstance(secret.source, ExternalSecret):
                object_name = key
                made = self._external(key, _metadata(args, key), secret.spec, secret.source.external_secret)
            else:
                values = _values(secret.source)
                # New values create a new object, so that pods restart with them. Users name pull secrets.
                object_name = (
                    key if secret.spec.kind == "registry" else named_by_content(args.namespace_name, key, values)
                )
                made = self._given(key, _metadata(args, object_name), secret.spec, values)
            self.names[key] = (object_name, secret.spec)
            self.ready.append(made)
        self.register_outputs({})

    def _options(self, key: str) -> pulumi.ResourceOptions:
        """Alias a Secret of a renamed entry. Pulumi adds an alias only if a child's name starts with its parent's."""
        aliases = [pulumi.Alias(name=f"{self._formerly}-{key}")] if self._formerly else None
        return pulumi.ResourceOptions(parent=self, aliases=aliases)

    def _given(self, key: str, metadata: Metadata, spec: SecretSpec, values: Mapping[str, str]) -> pulumi.Resource:
        return k8s.core.v1.Secret(
            f"{self._name}-{key}",
            metadata=metadata,
            type=_TYPES[spec.kind],
            # Mark each value as secret: a map of secrets is not kept as one and would show them in the state.
            string_data={key: pulumi.Output.secret(value) for key, value in values.items()},
            opts=self._options(key),
        )

    def _external(self, key: str, metadata: Metadata, spec: SecretSpec, source: ExternalStore) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{key}",
            api_version="external-secrets.io/v1",
            kind="ExternalSecret",
            metadata=metadata,
            spec={
                "refreshInterval": f"{source.refresh}s",
                "secretStoreRef": {"name": source.store, "kind": source.kind},
                "target": {"name": key, "template": {"type": _TYPES[spec.kind]}},
                "data": [{"secretKey": key, "remoteRef": {"key": source.key, "property": key}} for key in spec.names],
            },
            opts=self._options(key),
        )


def named_by_content(namespace: str, key: str, values: Mapping[str, str]) -> str:
    """Return a name for a Secret that ends in a hash of its values. The hash is slow to reverse."""
    text = json.dumps(values, sort_keys=True).encode()
    digest = hashlib.scrypt(text, salt=f"{namespace}/{key}".encode(), n=_WORK_FACTOR, r=8, p=1, dklen=4)
    return names.joined(key, digest.hex())


def _values(source: GivenSecret | EnvironmentSecret) -> dict[str, str]:
    if isinstance(source, EnvironmentSecret):
        return {key: os.environ[variable] for key, variable in source.environment.items()}  # preflight checked them
    return {key: value.get_secret_value() for key, value in source.values.items()}


def _metadata(args: SecretsArgs, name: str) -> Metadata:
    return {"name": name, "namespace": args.namespace, "labels": labels.of_system(args.system)}
