"""Build and push an image, and return its reference by digest.

There are two builders (ADR 0003): BuildKit through docker-build, and the Docker daemon through pulumi-docker. Both keep
the image when the resource is deleted, because another environment may be running it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from components import environment, names
from models.image import BuildSecret, CachePlace, ImageBuild, ImageSettings

if TYPE_CHECKING:
    from pulumi_docker_build import CacheFromArgsDict, CacheToArgsDict


@dataclass(frozen=True, kw_only=True)
class ModelImageArgs:
    """The arguments of :class:`ModelImage`."""

    system: str
    environment: str
    key: str
    build: ImageBuild
    settings: ImageSettings


class ModelImage(pulumi.ComponentResource):
    """One image of the system."""

    reference: pulumi.Output[str]
    """``repository@sha256:…``, known once the registry has the image."""

    def __init__(self, name: str, args: ModelImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ModelImage", name, None, opts)
        build = self._with_docker if args.settings.builder == "docker" else self._with_buildkit
        self.reference = build(name, args)
        self.register_outputs({"reference": self.reference})

    def _with_buildkit(self, name: str, args: ModelImageArgs) -> pulumi.Output[str]:
        import pulumi_docker_build as docker_build  # noqa: PLC0415 -- 0.1 s that only a stack that builds pays

        settings, context = args.settings, args.build.context
        repository = names.repository(settings.registry, args.system, args.key)
        image = docker_build.Image(
            f"{name}-build",
            context={
                "location": context,
                "named": {"wheels": {"location": settings.wheels}} if settings.wheels else {},
            },
            dockerfile={"location": f"{context}/{args.build.dockerfile}"},
            target=args.build.target,
            build_args=_build_arguments(args),
            platforms=[docker_build.Platform(platform) for platform in settings.platforms] or None,
            cache_from=[_read_cache(place) for place in settings.cache_from] or None,
            cache_to=[_written_cache(place) for place in settings.cache_to] or None,
            secrets=_secrets(args) or None,
            builder={"name": settings.buildx} if settings.buildx else {},
            tags=[f"{repository}:{args.environment}"],
            push=True,
            build_on_preview=False,  # a preview must not take minutes
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        return image.digest.apply(lambda digest: f"{repository}@{digest}")

    def _with_docker(self, name: str, args: ModelImageArgs) -> pulumi.Output[str]:
        import pulumi_docker as docker  # noqa: PLC0415 -- 0.2 s that only a stack with this builder pays

        context = args.build.context
        build: docker.DockerBuildArgsDict = {
            "context": context,
            "dockerfile": f"{context}/{args.build.dockerfile}",
            "args": _build_arguments(args),
        }
        if args.settings.platforms:
            (build["platform"],) = args.settings.platforms
        if args.settings.cache_from:
            build["cache_from"] = {"images": [str(place.registry) for place in args.settings.cache_from]}
        if args.build.target:
            build["target"] = args.build.target
        image = docker.Image(
            f"{name}-build",
            build=build,
            image_name=f"{names.repository(args.settings.registry, args.system, args.key)}:{args.environment}",
            build_on_preview=False,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        return image.repo_digest


def _build_arguments(args: ModelImageArgs) -> dict[str, str]:
    base = {"BASE_IMAGE": args.settings.base_image} if args.settings.base_image else {}
    return {**base, **args.build.args, **args.settings.args}


def _read_cache(place: CachePlace) -> "CacheFromArgsDict":
    return {"registry": {"ref": place.registry}} if place.registry else {"local": {"src": str(place.folder)}}


def _written_cache(place: CachePlace) -> "CacheToArgsDict":
    return {"registry": {"ref": place.registry}} if place.registry else {"local": {"dest": str(place.folder)}}


def _secrets(args: ModelImageArgs) -> dict[str, pulumi.Output[str]]:
    """Return the values of the build's secrets, marked as secret: the state holds them only encrypted."""
    return {name: pulumi.Output.secret(_value(args.settings.secrets[name])) for name in args.build.secrets}


def _value(source: BuildSecret) -> str:
    if source.environment:
        return environment.text(source.environment) or ""  # preflight has refused an empty one
    return Path(str(source.file)).read_text("utf-8")
