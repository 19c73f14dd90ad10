"""The Secrets of a system, from values that the stack gives or from an external store."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from components import labels, names
from components.manifests.container import BoundSecret
from components.manifests.manifest import Given, Json, Manifest, Part, metadata, written
from models.secrets import ExternalSecret, ExternalStore, SecretSpec
from models.system import SystemSpec

_TYPES = {"variables": "Opaque", "files": "Opaque", "registry": "kubernetes.io/dockerconfigjson"}
_WORK_FACTOR = 2**14
"""scrypt's N. Each guess at a weak value from the eight hex digits in the object's name takes 50 ms."""


def bound(system: SystemSpec, given: Given) -> dict[str, BoundSecret]:
    """Return the name of each Secret in the namespace and its spec, by the entry's key.

    New values create a new object, so that pods restart with them. Users name pull secrets and external secrets.
    """
    return {
        key: (
            named_by_content(system.namespace, key, given.secrets[key])
            if secret.spec.kind != "registry" and key in given.secrets
            else key,
            secret.spec,
        )
        for key, secret in system.secrets.items()
    }


def secrets(system: SystemSpec, given: Given, named: Mapping[str, BoundSecret]) -> Iterator[Manifest]:
    """Yield one Secret or ExternalSecret for each secret that the entry declares."""
    for key, secret in system.secrets.items():
        described = metadata(system, named[key][0], labels.of_system(system.name))
        if isinstance(secret.source, ExternalSecret):
            document = _external(key, described, secret.spec, secret.source.external_secret)
        else:
            kind, values = _TYPES[secret.spec.kind], dict(given.secrets[key])
            document = written("Secret", described, type=kind, stringData=values)
        part = Part("Secrets", f"{system.name}-secrets")
        yield Manifest(part=part, resource=f"{system.name}-{key}", document=document)


def _external(key: str, described: Json, spec: SecretSpec, source: ExternalStore) -> Json:
    fetched: Json = {
        "refreshInterval": f"{source.refresh}s",
        "secretStoreRef": {"name": source.store, "kind": source.kind},
        "target": {"name": key, "template": {"type": _TYPES[spec.kind]}},
        "data": [{"secretKey": key, "remoteRef": {"key": source.key, "property": key}} for key in spec.names],
    }
    return written("ExternalSecret", described, spec=fetched)


def named_by_content(namespace: str, key: str, values: Mapping[str, str]) -> str:
    """Return a name for a Secret that ends in a hash of its values. The hash is slow to reverse."""
    text = json.dumps(dict(values), sort_keys=True).encode()
    digest = hashlib.scrypt(text, salt=f"{namespace}/{key}".encode(), n=_WORK_FACTOR, r=8, p=1, dklen=4)
    return names.joined(key, digest.hex())
