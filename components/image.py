"""Build and push an image, and return its reference by digest.

There are two builders (ADR 0003): BuildKit through docker-build, and the Docker daemon through pulumi-docker. Both keep
the image when the resource is deleted, because another environment may be running it.
"""

from dataclasses import dataclass

import pulumi

from components import names
from models.image import ImageBuild, ImageSettings


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
