"""The GPU system as a stack of its own, and a node that does or does not offer a GPU."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml

from tests.cluster.program import Program
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere, run

STACK = "gpu-dev"
SERVICE = "model"
DEVICE = "nvidia.com/gpu"


@dataclass(frozen=True)
class Gpu(Program):
    """One stack of the gpu entry."""

    seconds: ClassVar[float] = 600
    """The image trains its model while it is built."""

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, entry: Json | None = None) -> "Gpu":
        """Return the program with the committed stack file, and with the committed catalog or only this entry."""
        made = cls(stack, project_elsewhere(folder, entry), STACK)
        (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config_of(STACK)}))
        return made


@contextmanager
def on_node(stack: Stack, devices: int) -> Generator[None]:
    """Let the node offer this many GPUs until the block ends."""
    set_capacity(stack, devices)
    try:
        yield
    finally:
        set_capacity(stack, 0)


def set_capacity(stack: Stack, devices: int) -> None:
    """Write the number of GPUs into the node's capacity, as the kubelet does for a device plugin."""
    node = run("kubectl", "get", "nodes", "-o", "name", env=stack.env).stdout.strip()
    patch = json.dumps({"status": {"capacity": {DEVICE: str(devices)}, "allocatable": {DEVICE: str(devices)}}})
    done = run("kubectl", "patch", node, "--subresource=status", "--type=merge", "-p", patch, env=stack.env)
    assert done.returncode == 0, done.stderr
