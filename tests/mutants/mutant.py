"""One way to break the program, and the tests that must notice."""

from dataclasses import dataclass

NEAREST = {
    "catalog/__init__.py": "models/test_catalogue.py",
    "components/cluster.py": "components/test_cluster.py",
    "components/diagnosis.py": "components/test_diagnosis.py",
    "components/log_cause.py": "components/test_log_cause.py",
    "components/workload_pods.py": "components/test_reasons.py",
    "components/patience.py": "components/test_patience.py",
    "components/reasons.py": "components/test_reasons.py",
    "components/remedies.py": "components/test_remedies.py",
    "components/identity.py": "program/test_identity.py",
    "components/image.py": "components/test_image.py",
    "components/kubeconfig.py": "components/test_kubeconfig.py",
    "components/kubeconfig_copies.py": "components/test_kubeconfig_copies.py",
    "components/labels.py": "components/test_slot.py components/test_traffic.py",
    "components/losses.py": "program/test_losses.py",
    "components/names.py": "components/test_names.py",
    "components/preflight.py": "components/test_preflight.py",
    "components/recorded.py": "program/test_losses.py program/test_identity.py",
    "components/rollout.py": "components/test_rollout.py",
    "components/rollout_state.py": "components/test_rollout.py",
    "components/survey.py": "program/test_identity.py program/test_losses.py",
    "components/system.py": "components/test_jobs.py",
    "components/registration.py": "components/test_slot.py",
    "components/secrets.py": "components/test_secrets.py",
    "components/manifests/accounts.py": "components/test_accounts.py",
    "components/manifests/adapter.py": "components/test_adapter.py",
    "components/manifests/alert.py": "components/test_alerts.py",
    "components/manifests/alerts.py": "components/test_alerts.py",
    "components/manifests/autoscaling.py": "components/test_autoscaling.py",
    "components/manifests/container.py": "components/test_pods.py",
    "components/manifests/dashboards.py": "components/test_dashboards.py",
    "components/manifests/exposure.py": "components/test_exposure.py",
    "components/manifests/foundation.py": "components/test_foundation.py components/test_stores.py",
    "components/manifests/gateway.py": "components/test_gateway.py",
    "components/manifests/guards.py": "components/test_guards.py",
    "components/manifests/ingress.py": "components/test_ingress.py",
    "components/manifests/job.py": "components/test_jobs.py",
    "components/manifests/model.py": "components/test_model_sources.py",
    "components/manifests/monitor.py": "components/test_alerts.py components/test_traffic.py",
    "components/manifests/network.py": "components/test_network.py components/test_network_outside.py",
    "components/manifests/objectives.py": "components/test_alerts.py",
    "components/manifests/panels.py": "components/test_dashboards.py",
    "components/manifests/placement.py": "components/test_placement.py",
    "components/manifests/retries.py": "components/test_retries.py",
    "components/manifests/pod.py": "components/test_slot.py components/test_pods.py",
    "components/manifests/pod_alerts.py": "components/test_pod_alerts.py",
    "components/manifests/render.py": "components/test_jobs.py",
    "components/manifests/secrets.py": "components/test_secrets.py",
    "components/manifests/service_panels.py": "components/test_dashboards.py",
    "components/manifests/settings.py": "components/test_settings.py",
    "components/manifests/slot.py": "components/test_slot.py",
    "components/manifests/store.py": "components/test_stores.py",
    "components/manifests/traffic.py": "components/test_traffic.py",
    "components/manifests/workload.py": "components/test_slot.py",
    "models/base.py": "models/test_errors.py",
    "models/errors.py": "models/test_errors.py",
    "models/stack_rules.py": "models/test_stack_rules.py models/test_field_rows_of_objects.py",
    "models/traffic_rules.py": "models/test_field_rows_of_objects.py models/test_fitting_gateway.py",
    "models/limits.py": "models/test_field_rows_of_objects.py",
    "models/variables.py": "models/test_field_rows_of_objects.py",
    "models/schedule.py": "models/test_field_rows.py",
    "models/parsing.py": "models/test_errors.py",
    "models/quantity.py": "models/test_quantity.py models/test_field_rows.py",
    "models/entry_rules.py": "models/test_entry_rules.py",
    "models/entry.py": "models/test_entry.py models/test_service.py",
    "models/resolve.py": "models/test_stack_rules.py models/test_entry.py",
    "models/monitoring.py": "models/test_monitoring.py models/test_series_rules.py",
    "models/vocabulary.py": "models/test_vocabulary.py",
}
"""The test files that see what breaks in a source file first. For other models it is the file of the same name."""


@dataclass(frozen=True)
class Mutant:
    """A change that no test may let pass."""

    file: str
    """Relative to the project's root."""
    scope: str
    """The changed function or class, such as ``Class.method``; empty = the module."""
    old: str
    """An expression or statements that occur there exactly once. The layout does not matter."""
    new: str
    """The replacement; empty = the statements are removed."""
    why: str
    """What would go wrong in a cluster, in a few words."""
    by: str = ""
    """The tests that must notice, below ``tests``, where the file's nearest ones are not they."""

    @property
    def where(self) -> str:
        """The file, and the function or class in it."""
        return f"{self.file} {self.scope}".rstrip()

    @property
    def kind(self) -> str:
        """The kind of change: a condition that is never or always true, removed statements, or another value."""
        return {"False": "never", "True": "always", "": "dropped", "pass": "dropped"}.get(self.new, "replaced")

    @property
    def tests(self) -> tuple[str, ...]:
        """The paths that pytest is to run."""
        own = f"models/test_{self.file.removeprefix('models/')}"
        return tuple(f"tests/{path}" for path in (self.by or NEAREST.get(self.file, own)).split())
