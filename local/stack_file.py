"""Edit the parts of `Pulumi.<stack>.yaml` that belong to one local cluster: the passphrase's salt, and addresses.

Every local cluster has its own random passphrase. A salt that an earlier cluster left behind matches no passphrase any
more, and the new stack would fail with "incorrect passphrase". The file is under version control, so `down` removes the
salt again.

The committed files name the default addresses. If the cluster has others, the files name these until `down`, because
all readers (pulumi, slipway, an editor) must see the same addresses.
"""

import re
from pathlib import Path

from local.addresses import CONTEXT, Addresses
from local.errors import LocalError

_SALT = re.compile(r"^encryptionsalt:[ ]*(\S+)[ ]*\n?", re.MULTILINE)
_SECRET = re.compile(r"^\s+(-\s+)?secure:", re.MULTILINE)


def salt(text: str) -> str | None:
    """Return the salt in a stack file's text, if there is one."""
    found = _SALT.search(text)
    return found[1] if found else None


def without_salt(text: str) -> str:
    """Return a stack file's text without the salt; everything else stays, including comments."""
    return _SALT.sub("", text)


def drop_stale_salt(file: Path, *, stack_exists: bool) -> bool:
    """Remove a salt that belongs to no stack of this cluster, and return whether there was one.

    Args:
        file: The stack file.
        stack_exists: Whether this cluster's backend has the stack already; then the salt is its own.

    Raises:
        LocalError: the file holds secrets that were encrypted elsewhere, and without its salt they would be lost.
    """
    text = file.read_text("utf-8")
    if stack_exists or salt(text) is None:
        return False
    if _SECRET.search(text):
        raise LocalError(
            f"{file}: its secrets were encrypted for another backend, so the local cluster cannot read them: "
            "keep this file under another stack name, and let the local cluster create its own"
        )
    file.write_text(without_salt(text), "utf-8")
    return True


def drop_own_salt(file: Path, *, stack_exists: bool) -> bool:
    """Remove the salt, before this cluster's backend is removed, if only that backend can use it; return if it did.

    A file with encrypted values keeps its salt, because they may have been encrypted elsewhere.
    """
    text = file.read_text("utf-8") if file.exists() else ""
    if not stack_exists or salt(text) is None or _SECRET.search(text):
        return False
    file.write_text(without_salt(text), "utf-8")
    return True


def point_all(project: Path, old: Addresses, new: Addresses) -> list[Path]:
    """Replace the addresses in the stack files of the local cluster, and return the files that changed."""
    changed: list[Path] = []
    for file in sorted(project.glob("Pulumi.*.yaml")):
        text = file.read_text("utf-8")
        if f"context: {CONTEXT}" in text and (moved := with_addresses(text, old, new)) != text:
            file.write_text(moved, "utf-8")
            changed.append(file)
    return changed


def with_addresses(text: str, old: Addresses, new: Addresses) -> str:
    """Return a stack file's text with the addresses of another cluster; everything else stays."""
    pairs = dict(zip(_named(old), _named(new), strict=True))
    places = re.compile("|".join(rf"(?<![\w.:/]){re.escape(name)}(?![\w.])" for name in pairs))
    return places.sub(lambda found: pairs[found[0]], text)


def _named(at: Addresses) -> tuple[str, ...]:
    """Return the addresses that a stack file may name, in a fixed order."""
    return (at.ingress_url, at.traefik_url, at.prometheus_url, at.s3_url, f"{at.node_ip}/32", at.registry)
