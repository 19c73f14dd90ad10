"""Explain in the update's output why a Deployment, a Job or a namespace failed."""

from collections.abc import Callable
from typing import Any, cast

import pulumi

from components import labels
from components.identity import owned_elsewhere
from components.reasons import reasons
from components.workload_pods import Creator, PodSource


def explain_failures(source: PodSource) -> pulumi.ErrorHook:
    """Return a hook that logs the pods' own reasons when a Deployment or a Job fails. It never requests a retry."""
    return pulumi.ErrorHook("pods-own-reasons", _hook(source))


def explain_conflicts() -> pulumi.ErrorHook:
    """Return a hook that logs when a namespace belongs to another stack. It never requests a retry."""
    return pulumi.ErrorHook("whose-namespace", _whose)


def _whose(args: pulumi.ErrorHookArgs) -> bool:
    if any(labels.STACK in error for error in args.errors):
        name = cast("dict[str, Any]", args.new_inputs or {}).get("metadata", {}).get("name")
        pulumi.log.error(owned_elsewhere(name, f"see its label {labels.STACK}"))
    return False


def _hook(source: PodSource) -> Callable[[pulumi.ErrorHookArgs], bool]:
    def explain(args: pulumi.ErrorHookArgs) -> bool:
        inputs = cast("dict[str, Any]", args.new_inputs or {})
        try:
            # A Job declares no selector, but its pods carry the template's labels.
            wanted = (
                inputs["spec"].get("selector", {}).get("matchLabels")
                or inputs["spec"]["template"]["metadata"]["labels"]
            )
            kind = args.type.rpartition(":")[2]
            creator = None if kind == "Deployment" else Creator(kind, inputs["metadata"]["name"])
            for reason in reasons(source, inputs["metadata"]["namespace"], labels.label_selector(wanted), creator):
                pulumi.log.error(reason)
        except Exception as error:  # noqa: BLE001 -- a failed explanation must not hide the failure itself
            pulumi.log.warn(f"cannot read why {args.name} failed: {error}")
        if args.type == "kubernetes:batch/v1:Job":
            pulumi.log.error(_again(args.urn))
        return False

    return explain


def _again(urn: str) -> str:
    """Return the command that runs a failed Job again. Without it, every further update fails because of this Job."""
    return (
        "Kubernetes does not rerun a failed Job, so every further update fails. Fix the cause, then "
        f"rerun the Job: pulumi up -s {pulumi.get_stack()} --replace '{urn}'"
    )
