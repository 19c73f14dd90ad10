"""ServiceAccounts of the system's workloads, with only the permissions that the entry declares."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from models.access import Account, Permission
from models.system import SystemSpec


@dataclass(frozen=True, kw_only=True)
class AccountsArgs:
    """The arguments of :class:`Accounts`."""

    system: SystemSpec
    namespace: pulumi.Output[str]


class Accounts(pulumi.ComponentResource):
    """One ServiceAccount per service, store and Job; a Role and RoleBinding per service with permissions."""

    def __init__(self, name: str, args: AccountsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Accounts", f"{name}-accounts", None, opts)
        system = args.system
        for service, deployed in system.services.items():
            self._account(service, args, _shared(slot.account for slot in deployed.every))
        for workload in (*system.stores, *system.jobs):
            self._account(workload, args, Account())
        self.register_outputs({})

    def _account(self, workload: str, args: AccountsArgs, account: Account) -> None:
        metadata: k8s.meta.v1.ObjectMetaArgsDict = {
            "name": names.account(workload),
            "namespace": args.namespace,
            "labels": labels.of_service(args.system.name, workload),
        }
        identity = k8s.core.v1.ServiceAccount(
            f"{workload}-account",
            metadata={**metadata, "annotations": account.annotations} if account.annotations else metadata,
            automount_service_account_token=False,  # the pod mounts the token if the service has permissions
            opts=pulumi.ResourceOptions(parent=self),
        )
        if account.permissions:
            self._role(workload, metadata, account, identity)

    def _role(
        self,
        workload: str,
        metadata: k8s.meta.v1.ObjectMetaArgsDict,
        account: Account,
        identity: k8s.core.v1.ServiceAccount,
    ) -> None:
        role = k8s.rbac.v1.Role(
            f"{workload}-role",
            metadata=metadata,
            rules=[_rule(permission) for permission in account.permissions],
            opts=pulumi.ResourceOptions(parent=self),
        )
        k8s.rbac.v1.RoleBinding(
            f"{workload}-role-binding",
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": names.account(workload)},
            subjects=[{"kind": "ServiceAccount", "name": names.account(workload), "namespace": metadata["namespace"]}],  # pyright: ignore[reportTypedDictNotRequiredAccess]
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, identity]),
        )


def _shared(accounts: Iterable[Account]) -> Account:
    """Merge the accounts of both slots, the live one first. Where annotations conflict, the live slot's value wins."""
    each = list(accounts)
    annotations = {key: value for account in reversed(each) for key, value in account.annotations.items()}
    permissions = dict.fromkeys(permission for account in each for permission in account.permissions)
    return Account(annotations=annotations, permissions=tuple(permissions))


def _rule(permission: Permission) -> "k8s.rbac.v1.PolicyRuleArgsDict":  # quoted: rbac loads only when it is used
    rule: k8s.rbac.v1.PolicyRuleArgsDict = {
        "api_groups": [permission.group],
        "resources": list(permission.resources),
        "verbs": list(permission.verbs),
    }
    if permission.names:
        rule["resource_names"] = list(permission.names)
    return rule
