"""What of `Pulumi.<stack>.yaml` belongs to one local cluster: the salt of the stack's passphrase, and addresses.

The passphrase of a local cluster is random and goes with it, so a salt that an earlier cluster left behind fits no
passphrase any more, and the new stack would fail with "incorrect passphrase". The file is under version control: `down`
takes the line away again.

The committed files name the default addresses. Where the cluster has others, the files are set to these while it is
there, because whoever reads them (pulumi, slipway, an editor) must see the same.
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
    """Return a stack file's text without the salt; everything else stays as it is, comments too."""
    return _SALT.sub("", text)


def drop_stale_salt(file: Path, *, stack_exists: bool) -> bool:
    """Remove a salt that belongs to no stack of this cluster; returns whether there was one.

    Args:
        file: The stack file.
        stack_exists: Whether this cluster's backend has the stack already; then the salt is its own.

    Raises:
        LocalError: the file holds secrets that were encrypted elsewhere, and without its salt they would be lost.
    """
    text = file.read_text()
    if stack_exists or salt(text) is None:
        return False
    if _SECRET.search(text):
        raise LocalError(
            f"{file}: its secrets were encrypted for another backend, the local cluster cannot read them: "
            "keep such a stack file under another stack name, and let the local cluster have its own"
        )
    file.write_text(without_salt(text))
    return True


def drop_own_salt(file: Path, *, stack_exists: bool) -> bool:
    """Remove the salt, before this cluster's backend goes, if it can only be of use there; returns whether it did.

    A file with encrypted values keeps it: they may have been encrypted elsewhere.
    """
    text = file.read_text() if file.exists() else ""
    if not stack_exists or salt(text) is None or _SECRET.search(text):
        return False
    file.write_text(without_salt(text))
    return True


def point_all(project: Path, old: Addresses, new: Addresses) -> list[Path]:
    """Set the stack files of the local cluster from one choice of addresses to another; returns those that changed."""
    changed: list[Path] = []
    for file in sorted(project.glob("Pulumi.*.yaml")):
        text = file.read_text()
        if f"context: {CONTEXT}" in text and (moved := with_addresses(text, old, new)) != text:
            file.write_text(moved)
            changed.append(file)
    return changed


def with_addresses(text: str, old: Addresses, new: Addresses) -> str:
    """Return a stack file's text with the addresses of another cluster; everything else stays as it is."""
    pairs = dict(zip(_named(old), _named(new), strict=True))
    places = re.compile("|".join(rf"(?<![\w.:/]){re.escape(name)}(?![\w.])" for name in pairs))
    return places.sub(lambda found: pairs[found[0]], text)


def _named(at: Addresses) -> tuple[str, ...]:
    """Return the addresses that a stack file may name, in one order."""
    return (at.ingress_url, at.prometheus_url, at.s3_url, f"{at.node_ip}/32", at.registry)
