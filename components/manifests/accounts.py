"""ServiceAccounts of the system's workloads, with only the permissions that the entry declares."""

from collections.abc import Iterable, Iterator

from components import labels, names
from components.manifests.manifest import Json, Manifest, Part, metadata, written
from models.access import Account, Permission
from models.system import SystemSpec


def accounts(system: SystemSpec) -> Iterator[Manifest]:
    """Yield one ServiceAccount per service, store and Job; a Role and RoleBinding per service with permissions."""
    for service, deployed in system.services.items():
        yield from _account(system, service, _shared(slot.account for slot in deployed.slot_specs))
    for workload in (*system.stores, *system.jobs):
        yield from _account(system, workload, Account())


def _account(system: SystemSpec, workload: str, account: Account) -> Iterator[Manifest]:
    part, name = Part("Accounts", f"{system.name}-accounts"), names.account(workload)

    def described(annotations: dict[str, str] | None = None) -> Json:
        return metadata(system, name, labels.of_service(system.name, workload), annotations)

    # The pod mounts the token if the service has permissions.
    identity = written("ServiceAccount", described(account.annotations), automountServiceAccountToken=False)
    made = Manifest(part=part, resource=f"{workload}-account", document=identity)
    yield made
    if not account.permissions:
        return
    rules = [_rule(permission) for permission in account.permissions]
    role = Manifest(part=part, resource=f"{workload}-role", document=written("Role", described(), rules=rules))
    yield role
    binding = written(
        "RoleBinding",
        described(),
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": system.namespace}],
    )
    after = (role.id, made.id)
    yield Manifest(part=part, resource=f"{workload}-role-binding", document=binding, after=after)


def _shared(accounts: Iterable[Account]) -> Account:
    """Merge the accounts of both slots, the live one first. Where annotations conflict, the live slot's value wins."""
    each = list(accounts)
    annotations = {key: value for account in reversed(each) for key, value in account.annotations.items()}
    permissions = dict.fromkeys(permission for account in each for permission in account.permissions)
    return Account(annotations=annotations, permissions=tuple(permissions))


def _rule(permission: Permission) -> Json:
    rule: Json = {
        "apiGroups": [permission.group],
        "resources": list(permission.resources),
        "verbs": list(permission.verbs),
    }
    if permission.names:
        rule["resourceNames"] = list(permission.names)
    return rule
