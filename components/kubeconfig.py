"""The kubeconfig that the plugin reads: one context, with the same name on every machine.

The plugin compares the provider's inputs with those in the state. A context's name or a local path among them would
appear as a change to deploy (pulumi-kubernetes, ``DiffConfig``). The program therefore writes the stack file's context
to a file of the project whose relative path never changes, and passes that path to the provider. The engine always
starts the plugin in the project's folder. ``pulumi destroy`` and ``pulumi refresh`` do not run the program, so they use
the file of the last preview or update.
"""

import os
import tempfile
from pathlib import Path
from typing import cast

import yaml

from components import kubeconfig_copies
from components.kubeconfig_files import FIELD, Json, merged
from models.errors import ConfigurationError

CONTEXT = "slipway"
"""The name of the file's only context, cluster and user."""
_FOLDER = ".slipway/kube"
_CLUSTER_FILES = ("certificate-authority",)
_USER_FILES = ("client-certificate", "client-key", "tokenFile")
"""Keys whose paths are relative to the kubeconfig's own folder (client-go, ``ResolveLocalPaths``)."""


def path_of(stack: str) -> str:
    """Return a stack's file, relative to the project. Each stack has its own, because two may be deployed at once."""
    return f"{_FOLDER}/{stack}"


def write(project: Path, stack: str, context: str, files: list[Path]) -> None:
    """Write a stack's file, readable only by its owner, and remove the copies that the plugin makes.

    Args:
        project: The folder of ``Pulumi.yaml``.
        stack: The stack's name.
        context: The kube context in the user's own files.
        files: The user's kubeconfig files. If several define the same name, the first one wins.

    Raises:
        ConfigurationError: a file cannot be read, or none contains the context, or the cluster or user that it names.
    """
    content = yaml.dump(extracted(context, files), Dumper=yaml.CSafeDumper)
    path = project / path_of(stack)
    kubeconfig_copies.remove(path)  # copies of the content that is about to be replaced
    kubeconfig_copies.remove_at_exit(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 600, and no reader sees a partial file
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def extracted(context: str, files: list[Path]) -> Json:
    """Return a kubeconfig with one context and absolute paths; see :func:`write`."""
    found = merged(files)
    if found.faults:
        raise ConfigurationError([f"{FIELD}: {fault}" for fault in found.faults])
    if context not in found.items["contexts"]:
        raise ConfigurationError([f"{FIELD}: {context!r} is not in the kubeconfig; correct it, or set KUBECONFIG"])
    named = found.items["contexts"][context].content
    of_context = {"cluster": CONTEXT, "user": CONTEXT} | {key: named[key] for key in ("namespace",) if key in named}
    held: dict[str, Json] = {}
    for kind, resolve in (("cluster", _cluster), ("user", _user)):
        name = str(named.get(kind) or "")
        one = found.items[f"{kind}s"].get(name)
        if one is None and (name or kind == "cluster"):  # a context may have no user
            fault = f"{context!r} names the {kind} {name!r}, which is not in the kubeconfig"
            raise ConfigurationError([f"{FIELD}: {fault}; add it, or correct the context"])
        held[kind] = resolve(one.folder, one.content) if one else {}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "contexts": [{"name": CONTEXT, "context": of_context}],
        "clusters": [{"name": CONTEXT, "cluster": held["cluster"]}],
        "users": [{"name": CONTEXT, "user": held["user"]}],
    }


def _cluster(folder: Path, content: Json) -> Json:
    return content | {key: str(folder / content[key]) for key in _CLUSTER_FILES if content.get(key)}


def _user(folder: Path, content: Json) -> Json:
    resolved = content | {key: str(folder / content[key]) for key in _USER_FILES if content.get(key)}
    program = cast("Json", content.get("exec") or {})
    if "/" in program.get("command", ""):  # a bare name is looked up on PATH
        resolved["exec"] = {**program, "command": str(folder / program["command"])}
    return resolved
