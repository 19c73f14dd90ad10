"""The user that a Dockerfile sets. A base image may set another one, which the file does not show."""

import re

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_USER = re.compile(r"USER\s+([^:\s]+)", re.IGNORECASE)


def user_of(text: str, target: str | None) -> str | None:
    """Return the user of a stage (None = the last one), or None if neither the stage nor those below it set one."""
    bases: dict[str, str] = {}
    users: dict[str, str] = {}
    stage = ""
    for line in map(str.strip, text.splitlines()):
        if found := _FROM.match(line):
            stage = (found[2] or str(len(bases))).lower()
            bases[stage] = found[1].lower()
        elif found := _USER.match(line):
            users[stage] = found[1]
    at = target.lower() if target else stage
    while at in bases:
        if at in users:
            return users[at]
        at = bases.pop(at)  # a stage can be based only on an earlier one
    return None


def user_fault(user: str | None) -> str | None:
    """Return why the kubelet would refuse an image with this user, or None if it would not."""
    if user is None:
        return "sets no USER, and the kubelet refuses an image without one; add USER <number>, or set user"
    if user in ("0", "root"):
        return f"sets USER {user}, which the kubelet refuses; write another user's number, or set user"
    if not user.isdigit() and "$" not in user:
        return f"sets USER {user}, and the kubelet cannot prove that this name is not root; write its number"
    return None
