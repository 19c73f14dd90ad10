"""The API server client of releases: reads ready pods, and writes Leases and the object that splits traffic."""

from collections.abc import Mapping

from components import labels
from components.api_client import ApiClient, ApiError, Json, NoContext, Unreachable, json_of
from components.api_server import ApiServer
from components.reasons import reasons
from delivery.errors import ClusterUnavailable, DeliveryError, Forbidden, StaleObject

_API_SECONDS = 10
_LEASE_SECONDS, _LEASES = 3, "/apis/coordination.k8s.io/"
"""Lease calls time out early: a driver that is asked to stop must not wait long, and renews every second anyway."""
_SERVER_FIELDS = ("managedFields", "uid", "creationTimestamp", "generation")
_REFUSED = {401: Forbidden, 403: Forbidden, 409: StaleObject}
_BUSY, _FIRST_SERVER_ERROR = 429, 500
"""Statuses that do not concern the request: 429 of API Priority and Fairness, and errors of the API server itself."""
_PULUMI = "pulumi-kubernetes"


class Cluster:
    """The API server of one kube context.

    Every method raises ClusterUnavailable if the API server does not answer, and DeliveryError if it refuses a request.
    """

    def __init__(self, context: str) -> None:
        self._context = context
        self._client = ApiClient(context)

    def ready(self, namespace: str, deployment: str) -> int:
        """Return the number of ready pods of a Deployment's newest template; 0 if the Deployment does not exist."""
        found = self.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")
        if found is None:
            return 0
        status = found.get("status", {})
        if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
            return 0
        return min(int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0)))

    def restarts(self, namespace: str, selector: Mapping[str, str]) -> int:
        """Return the total number of container restarts of the selected pods."""
        pods = f"/api/v1/namespaces/{namespace}/pods"
        found = self._call("GET", pods, labelSelector=labels.label_selector(selector)) or {"items": []}
        statuses = [status for pod in found["items"] for status in pod["status"].get("containerStatuses", [])]
        return sum(int(status["restartCount"]) for status in statuses)

    def get(self, path: str) -> Json | None:
        """Return an object, or None if it does not exist."""
        return self._call("GET", path)

    def create(self, path: str, body: Json) -> Json | None:
        """Create an object; return None if its namespace does not exist. Raises StaleObject if the object exists."""
        return self._call("POST", path, body)

    def replace(self, path: str, body: Json) -> Json | None:
        """Replace an object; return None if it does not exist. Raises StaleObject if ``body`` names another version."""
        return self._call("PUT", path, body)

    def answers(self) -> bool:
        """Return whether the API server answers."""
        try:
            self._call("GET", "/version")
        except ClusterUnavailable:
            return False
        return True

    def reasons(self, namespace: str, selector: Mapping[str, str]) -> str:
        """Return the reasons why pods are not ready; empty if the reasons cannot be determined."""
        try:
            return "; ".join(reasons(ApiServer(self._context), namespace, labels.label_selector(selector)))
        except (ApiError, Unreachable):
            return ""

    def apply(self, path: str, found: Json) -> None:
        """Write an object that was read and changed, as Pulumi's own field manager.

        Server-side apply under Pulumi's field manager is what the next ``pulumi up`` would do. That update therefore
        finds the value that it wants, and no second owner that conflicts. Raises StaleObject if the object changed
        after it was read.
        """
        managed = found["metadata"].get("managedFields", [])
        owners = [m["manager"] for m in managed if m["operation"] == "Apply" and m["manager"].startswith(_PULUMI)]
        if not owners:
            raise DeliveryError(f"{path}: Pulumi does not manage this object; run `pulumi up` to adopt it")
        body = {key: value for key, value in found.items() if key != "status"}
        body["metadata"] = {key: value for key, value in found["metadata"].items() if key not in _SERVER_FIELDS}
        self._call("PATCH", path, body, fieldManager=owners[0], force="true")

    def _call(self, method: str, path: str, body: Json | None = None, **query: str) -> Json | None:
        lease = path.startswith(_LEASES)
        seconds = _LEASE_SECONDS if lease else _API_SECONDS
        try:
            said = self._client.call(method, path, body, query=query, seconds=seconds, once=lease)
            return json_of(said, f"{method} {path}")
        except NoContext as error:
            raise DeliveryError(f"context {self._context}: {error}; check slipway:cluster.context") from error
        except Unreachable as lost:
            raise ClusterUnavailable(f"context {self._context}: the API server does not answer: {lost}") from lost
        except ApiError as error:
            own = error.status == _BUSY or error.status >= _FIRST_SERVER_ERROR
            kind = ClusterUnavailable if own else _REFUSED.get(error.status, DeliveryError)
            raise kind(f"{path}: the API server returned {error}") from error
