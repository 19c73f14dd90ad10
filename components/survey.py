"""Compare stack file, state and cluster before the first resource is registered."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components import kubeconfig, kubeconfig_files, recorded
from components.api_server import ApiServer, Away
from components.cluster import variable_faults
from components.identity import (
    IDENTITY,
    Live,
    NamespaceSource,
    asked,
    cluster_faults,
    namespace_faults,
    object_faults,
    state_faults,
)
from components.losses import loss_faults, stale_permissions
from components.preflight import check, notices
from models.errors import ConfigurationError
from models.system import SystemSpec


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """The result of the comparison that the program needs."""

    cluster: str | None
    """The uid of kube-system, which the stack records; None if no account could read it so far."""
    formerly: str | None
    """The entry's name at the last update, if it was different: its resources are carried over."""


def surveyed(
    system: SystemSpec, project: Path, known: recorded.Recorded, source: NamespaceSource | None = None
) -> Surveyed:
    """Compare stack file, state and cluster, and write the kubeconfig that the provider reads.

    Args:
        system: What the stack file declares.
        project: The folder of ``Pulumi.yaml``.
        known: The state of the last update.
        source: The source of namespaces. Default: the API server of the stack's context.

    Raises:
        ConfigurationError: with one line for each fault: something is missing, would be written to the wrong place, or
            would be lost.
    """
    check(system, project)
    for line in notices(system, project):
        pulumi.log.warn(line)
    stack = pulumi.get_stack()
    source = source or ApiServer(system.cluster.context)
    live = _live(system, source)
    if live:
        _refuse(cluster_faults(system, known, live))
        _refuse(namespace_faults(system, stack, known, live))
        _refuse(object_faults(system, known, source))
    # `pulumi destroy` reads this file without a check, so the file must never name a refused cluster or namespace.
    # `pulumi refresh` reads it too. Write it before state_faults, because a move to another cluster needs a refresh.
    kubeconfig.write(project, stack, system.cluster.context, kubeconfig_files.paths())
    if live:
        _refuse(state_faults(system, known, live))
    _refuse(loss_faults(system, known))
    for line in stale_permissions(system, known):
        pulumi.log.warn(line)
    _refuse_update(variable_faults(os.environ))
    return Surveyed(
        cluster=(live and live.cluster) or known.cluster,
        formerly=known.system if known.system != system.name else None,
    )


def _live(system: SystemSpec, source: NamespaceSource) -> Live | None:
    context = system.cluster.context
    try:
        live = asked(source, system.namespace)
    except Away as error:
        unverified = f"the API server does not answer ({error}), so the cluster cannot be verified"
        _refuse_update(
            [f"slipway:cluster.context: {context!r}: {unverified}; start the cluster, or correct the context"]
        )
        return None
    if live.cluster is None or not live.readable:
        unread = [] if live.cluster else [IDENTITY]
        unread += [] if live.readable else [system.namespace]
        pulumi.log.info(
            f"the account of context {context!r} may not read namespace {' and '.join(unread)}, so "
            f"the {'owner of the namespace' if not live.readable else 'identity of the cluster'} is unverified; "
            "grant it get on namespaces"
        )
    return live


def _refuse(faults: Iterable[str]) -> None:
    if found := list(faults):
        raise ConfigurationError(found)


def _refuse_update(faults: Iterable[str]) -> None:
    """Refuse an update because of these faults. A preview only warns."""
    found = list(faults)
    if not pulumi.runtime.is_dry_run():
        _refuse(found)
    for fault in found:
        pulumi.log.warn(fault)
