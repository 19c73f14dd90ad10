"""Check this machine before the first resource is registered: kube context, build folders and secrets."""

from collections.abc import Iterator
from pathlib import Path

from components import environment, kubeconfig_files
from components.dockerfile import user_fault, user_of
from components.manifests import dashboards
from models.errors import ConfigurationError, nearest
from models.image import ImageBuild, ImageSettings
from models.secrets import EnvironmentSecret
from models.system import SystemSpec


def check(spec: SystemSpec, project: Path) -> None:
    """Refuse an update that could not finish.

    Raises:
        ConfigurationError: the kube context, a folder that the build needs or a secret's variable is missing.
    """
    faults = [*_context_faults(spec.cluster.context)]
    if spec.image is not None:
        for key, build in spec.builds.items():
            faults += _build_faults(f"catalog/{spec.name}.yaml: images.{key}", build, project)
        if spec.builds:
            faults += _wheels_faults(spec.image, project)
            faults += _secret_faults(spec.image, project)
    faults += [*_variable_faults(spec), *dashboards.faults(spec)]
    if faults:
        raise ConfigurationError(faults)


def notices(spec: SystemSpec, project: Path) -> Iterator[str]:
    """Yield a line for each service whose image, as the stack would build it, has no user that the kubelet accepts."""
    for name, service in spec.services.items():
        build = spec.builds.get(service.spec.image)
        if service.spec.user == "image" and service.spec.pod_security is None and build is not None:
            shown = Path(build.context) / build.dockerfile
            if fault := user_fault(user_of((project / shown).read_text("utf-8", "replace"), build.target)):
                yield f"{name}: user is image, but {shown} {fault}"


def _variable_faults(spec: SystemSpec) -> Iterator[str]:
    for name, secret in spec.secrets.items():
        if isinstance(secret.source, EnvironmentSecret):
            for key, variable in secret.source.environment.items():
                if fault := _variable_fault(variable):
                    yield f"slipway:secrets.{name}.environment.{key}: the variable {variable} {fault}"


def _variable_fault(variable: str) -> str | None:
    try:
        given = environment.text(variable)
    except UnicodeDecodeError as error:
        rule = "a Secret's value must be UTF-8 text; encode it, for example with base64"
        return f"has bytes that are not UTF-8 (the first at position {error.start}): {rule}"
    hint = 'for the embedded cluster, run eval "$(make -s env)"'
    return None if given else f"is unset or empty; set it ({hint})"


def _context_faults(context: str) -> Iterator[str]:
    found = kubeconfig_files.merged(kubeconfig_files.paths())
    yield from (f"{kubeconfig_files.FIELD}: {fault}" for fault in found.faults)
    known = found.contexts
    if context not in known:
        listed = f"they contain {', '.join(known)}" if known else "they contain no context"
        searched = (
            f"searched {', '.join(map(environment.readable, found.files))}: {listed}"
            if found.files
            else "no file found"
        )
        yield (
            f"{kubeconfig_files.FIELD}: {context!r} is not in the kubeconfig ({searched})"
            f"{nearest(context, known)}; correct it, or set KUBECONFIG (embedded cluster: make up, then "
            'eval "$(make -s env)")'
        )


def _build_faults(where: str, build: ImageBuild, project: Path) -> Iterator[str]:
    dockerfile = Path(build.context) / build.dockerfile
    if not (project / dockerfile).is_file():
        yield f"{where}: {dockerfile} does not exist in the project; correct context or dockerfile"


def _secret_faults(settings: ImageSettings, project: Path) -> Iterator[str]:
    for name, source in settings.secrets.items():
        where = f"slipway:image.secrets.{name}"
        if source.environment and (fault := _variable_fault(source.environment)):
            yield f"{where}.environment: the variable {source.environment} {fault}"
        if source.file and not (project / source.file).is_file():
            yield f"{where}.file: {source.file} does not exist; correct the path"


def _wheels_faults(settings: ImageSettings, project: Path) -> Iterator[str]:
    if settings.wheels and not (project / settings.wheels).is_dir():
        yield (
            f"slipway:image.wheels: the folder {settings.wheels} does not exist; run make up to create it, "
            "or remove the key so that the build uses a package index"
        )
