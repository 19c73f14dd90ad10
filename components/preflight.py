"""Check this machine before the first resource is registered: kube context, build folders and secrets."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from components.manifests import dashboards
from models.errors import ConfigurationError, nearest
from models.image import ImageBuild, ImageSettings
from models.secrets import EnvironmentSecret
from models.system import SystemSpec


def checked(spec: SystemSpec, project: Path) -> SystemSpec:
    """Return the system, or refuse an update that could not finish.

    Raises:
        ConfigurationError: the kube context, a folder that the build needs or a secret's variable is missing.
    """
    faults = [*_context_faults(spec.cluster.context)]
    if spec.image is not None:
        for key, build in spec.builds.items():
            faults += _build_faults(f"catalog/{spec.name}.yaml: images.{key}", build, project)
        if spec.builds:
            faults += _wheels_faults(spec.image, project)
    faults += [*_variable_faults(spec), *dashboards.faults(spec)]
    if faults:
        raise ConfigurationError(faults)
    return spec


def _variable_faults(spec: SystemSpec) -> Iterator[str]:
    for name, secret in spec.secrets.items():
        if isinstance(secret.source, EnvironmentSecret):
            for key, variable in secret.source.environment.items():
                if not os.environ.get(variable):
                    where = f"slipway:secrets.{name}.environment.{key}"
                    hint = 'for the embedded cluster, run eval "$(make -s env)"'
                    yield f"{where}: the variable {variable} is unset or empty; set it ({hint})"


def _context_faults(context: str) -> Iterator[str]:
    files = kubeconfig_files()
    known: list[str] = []
    for file in files:
        try:
            known += _contexts(file)
        except (OSError, ValueError, yaml.YAMLError) as error:
            yield f"slipway:cluster.context: cannot read the kubeconfig {file}: {' '.join(str(error).split())}"
    if context not in known:
        listed = f"they contain {', '.join(known)}" if known else "they contain no context"
        searched = f"searched {', '.join(map(str, files))}: {listed}" if files else "no file found"
        yield (
            f"slipway:cluster.context: {context!r} is not in the kubeconfig ({searched})"
            f"{nearest(context, known)}; correct it, or set KUBECONFIG (embedded cluster: make up, then "
            'eval "$(make -s env)")'
        )


def kubeconfig_files() -> list[Path]:
    """Return the kubeconfig files that kubectl and the provider would merge: KUBECONFIG, else ~/.kube/config."""
    named = os.environ.get("KUBECONFIG", "")
    candidates = [Path(part) for part in named.split(os.pathsep) if part] or [Path.home() / ".kube" / "config"]
    return [path for path in candidates if path.is_file()]


def _contexts(file: Path) -> list[str]:
    content: object = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)  # 10 times faster for long files
    try:
        contexts = cast("dict[str, list[dict[str, str]] | None]", content or {}).get("contexts") or []
        return [context["name"] for context in contexts]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("it is not a kubeconfig: contexts must be a list of maps, each with a name") from error


def _build_faults(where: str, build: ImageBuild, project: Path) -> Iterator[str]:
    dockerfile = Path(build.context) / build.dockerfile
    if not (project / dockerfile).is_file():
        yield f"{where}: {dockerfile} does not exist in the project; correct context or dockerfile"


def _wheels_faults(settings: ImageSettings, project: Path) -> Iterator[str]:
    if settings.wheels and not (project / settings.wheels).is_dir():
        yield (
            f"slipway:image.wheels: the folder {settings.wheels} does not exist; run make up to create it, "
            "or remove the key so that the build uses a package index"
        )
