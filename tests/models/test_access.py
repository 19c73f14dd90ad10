"""Accounts: no rights but those that an entry names, one resource at a time."""

from models.access import Account, Permission
from tests.models.tables import (
    EMPTY,
    HOST,
    LABEL,
    LIST,
    REQUIRED,
    TEXT,
    WILDCARD,
    Accepted,
    Refused,
    accepting,
    refusing,
)

READ = {"resources": ["configmaps"], "verbs": ["get"]}

ACCEPTED: Accepted = [
    (Account, {}),
    (Account, {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/reader"}}),
    (Account, {"permissions": [READ, {**READ, "group": "apps", "names": ["web"]}]}),
    (Permission, {**READ, "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}),
]
REFUSED: Refused = [
    (Account, {"annotations": {"a b": "x"}}, f"annotations.a b: 'a b': {LABEL}"),
    (Account, {"annotations": {"Example.com/role": "x"}}, f"annotations.Example.com/role: 'Example.com/role': {HOST}"),
    (Account, {"annotations": {"role": 1}}, f"annotations.role: 1: {TEXT}"),
    (Account, {"permissions": READ}, f"permissions: {LIST}"),
    (Account, {"permissions": [{**READ, "verb": []}]}, "permissions.0.verb: unknown key; did you mean 'verbs'?"),
    (Permission, {"resources": ["configmaps"]}, f"verbs: {REQUIRED}"),
    (Permission, {"verbs": ["get"]}, f"resources: {REQUIRED}"),
    (Permission, {**READ, "resources": []}, f"resources: {EMPTY}"),
    (Permission, {**READ, "resources": [""]}, "resources.0: '': must not be empty"),
    (Permission, {**READ, "resources": ["*"]}, f"resources.0: '*': {WILDCARD}"),
    (Permission, {**READ, "resources": ["pods/*"]}, f"resources.0: 'pods/*': {WILDCARD}"),
    (Permission, {**READ, "group": "*"}, f"group: '*': {WILDCARD}"),
    (Permission, {**READ, "names": ["*"]}, f"names.0: '*': {WILDCARD}"),
    (Permission, {**READ, "verbs": []}, f"verbs: {EMPTY}"),
    (
        Permission,
        {**READ, "verbs": ["*"]},
        "verbs.0: '*': must be 'get', 'list', 'watch', 'create', 'update', 'patch' or 'delete'",
    ),
    (
        Permission,
        {**READ, "verbs": ["impersonate"]},
        "verbs.0: 'impersonate': must be 'get', 'list', 'watch', 'create', 'update', 'patch' or 'delete'",
    ),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
