"""`slipway model pin`: records the files of a model and their hashes, so that pods fetch exactly these files."""

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from delivery.commands.options import AsJson
from delivery.commands.output import progress_console, project, reported
from delivery.errors import DeliveryError
from delivery.stack_file.atomic_write import write
from loader.errors import LoaderError
from loader.files import RemoteFile
from loader.pin import PinnedModel, pin
from loader.progress import amount
from models.manifest import ModelManifest
from models.parsing import parse

app = typer.Typer(
    short_help="Record the files of a model and their hashes.",
    help="""Record the files of a model and their hashes, so that pods fetch exactly these files.

    Example: slipway model pin hf://org/model@<commit>
    """,
    no_args_is_help=True,
)

FOLDER = Path("catalog/models")
_NAME = re.compile(r"[a-z]([-a-z0-9.]*[a-z0-9])?")

Uri = Annotated[
    str,
    typer.Argument(
        metavar="URI",
        help="s3://bucket/prefix, https://host/folder/, hf://org/model@commit or oci://repository@sha256:…",
        show_default=False,
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Name of the manifest; derived from the URI if left out.", show_default=False),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        "--include", metavar="PATTERN", help="Pin only files that match, such as '*.safetensors'; may be repeated."
    ),
]


@app.command("pin")
def pin_model(
    context: typer.Context, uri: Uri, name: Name = None, include: Include = None, as_json: AsJson = False
) -> None:
    """Write the size and SHA-256 of each file of a model to catalog/models/<name>.yaml, for `model.manifest` to name.

    Downloads only files for which neither SHA256SUMS nor the source states a SHA-256. Reads the same variables as the
    loader: AWS_*, HF_TOKEN and HF_ENDPOINT, MODEL_TOKEN, or MODEL_USER and MODEL_PASSWORD.

    Example: slipway model pin hf://org/model@<commit> --include '*.safetensors' --include '*.json'
    """
    with reported("model pin", None, as_json=as_json) as report:
        chosen = _named(name or _name_of(uri))
        console = progress_console()

        def told(file: RemoteFile) -> None:
            size = "" if file.size is None else f" ({amount(file.size)})"
            console.print(f"reading {file.path}{size}", markup=False)

        try:
            found = pin(uri, os.environ, include or (), told)
        except LoaderError as error:
            raise DeliveryError(str(error)) from None
        document = _document(found)
        parse(ModelManifest, document, f"{uri}: ")
        file = project(context) / FOLDER / f"{chosen}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, rendered(document))
        total = sum(one.size for one in found.files.values())
        report.document |= {"name": chosen, "file": str(FOLDER / file.name), "bytesRead": found.read, **document}
        report.show(
            f"{FOLDER / file.name}: {len(found.files)} files, {amount(total)}; read {amount(found.read)}",
            f"name it in the entry: model.manifest: {chosen}",
        )


def _document(found: PinnedModel) -> dict[str, Any]:
    files = {path: {"size": one.size, "sha256": one.sha256} for path, one in sorted(found.files.items())}
    return {"uri": found.uri, **({"version": found.version} if found.version else {}), "files": files}


def rendered(document: dict[str, Any]) -> str:
    """Return a manifest as YAML with one line per file. Every text is quoted: some hashes look like numbers."""
    lines = [
        "# Written by slipway model pin. The loader fetches these files and no others.",
        f"uri: {_text(document['uri'])}",
    ]
    if version := document.get("version"):
        lines.append(f"version: {{{', '.join(f'{key}: {_text(value)}' for key, value in version.items())}}}")
    lines.append("files:")
    for path, one in document["files"].items():
        lines.append(f"  {_text(path)}: {{size: {one['size']}, sha256: {_text(one['sha256'])}}}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name_of(uri: str) -> str:
    """Return a name from the model's part of a URI."""
    plain = uri.partition("://")[2].partition("@")[0].rstrip("/")
    parts = [part for part in plain.split("/")[1:] if part] or [plain]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[-60:].lstrip("-0123456789")


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise DeliveryError(
            f"--name {name!r}: a manifest's name has lowercase letters, digits, '-' and '.', and starts with a letter; "
            "set --name"
        )
    return name
