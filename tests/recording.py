# pyright: basic
"""One recording stand-in for the Pulumi engine: runs a program and keeps everything that it registered.

Pulumi's mocks show types and inputs. Parent, dependencies, protection and timeouts travel in the request only, so the
monitor records that too. It also does what the real engine would: it refuses a second resource of the same URN.
"""

import asyncio
import json
import re
import runpy
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, resource, rpc, set_all_config
from pulumi.runtime.proto import resource_pb2, source_pb2
from pulumi.runtime.settings import get_root_resource

from tests.declared import DIGEST, Declared, Objects, Secret

# The SDK records where each resource was declared. No test reads that, and it takes a quarter of a run's time.
cast("Any", resource)._get_stack_trace = source_pb2.StackTrace

PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Registered(Declared):
    """One resource as it was asked for."""

    parent: str
    provider: str
    aliases: tuple[str, ...]
    """Names that it had before."""
    ignores: tuple[str, ...]
    """Inputs whose change is no change."""
    custom: bool
    retain_on_delete: bool
    protect: bool
    deleted_first: bool
    """Whether a replacement deletes it before the new one is there."""
    secret_outputs: tuple[str, ...]
    """Outputs that are secret although the inputs are not."""
    create_timeout: str
    update_timeout: str
    delete_timeout: str
    hooks: Mapping[str, tuple[str, ...]]
    """Names of the hooks that run at each moment."""


@dataclass
class Recorded(Objects[Registered]):
    """A finished run."""

    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    hooks: set[str] = field(default_factory=set[str])

    def of_kind(self, kind: str) -> list[Registered]:
        """All resources of a kind; components of ours that are called like one are none."""
        ours = {r.kind for r in self.resources if not r.custom} - {r.kind for r in self.resources if r.custom}
        return [r for r in self.resources if r.kind == kind and (r.custom or kind in ours)]


Outputs = Mapping[str, Mapping[str, Any]]
"""What other stacks export, by their full names."""
Live = Mapping[str, Mapping[str, Any]]
"""What the API server adds to objects, by kind: their status, and fields of their metadata."""


@dataclass(frozen=True)
class State:
    """What the engine has of the stack's last update."""

    outputs: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Any])
    """By URN: ``type`` and ``outputs``."""


_ADDED: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "docker-build:index:Image": lambda inputs: {"digest": DIGEST, "ref": f"{inputs['tags'][0]}@{DIGEST}"},
    "docker:index/image:Image": lambda inputs: {"repoDigest": f"{inputs['imageName'].rpartition(':')[0]}@{DIGEST}"},
}
"""Outputs that a provider adds to the inputs, by type."""


class _Registry(mocks.Mocks):
    """Answers as the providers would: inputs come back, a built image has a digest, another stack has its outputs."""

    def __init__(self, outputs: Outputs | None = None, live: Live | None = None, state: State | None = None) -> None:
        self._outputs, self._live, self._state = outputs or {}, live or {}, state

    def adds_to(self, kind: str) -> bool:
        """Return whether a provider adds outputs to the inputs of a resource of this type."""
        return kind in _ADDED or kind.rpartition(":")[2] in self._live

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = dict(args.inputs)
        for key, added in self._live.get(args.typ.rpartition(":")[2], {}).items():
            state[key] = {**state.get(key, {}), **added}
        if args.typ in _ADDED:
            state |= _ADDED[args.typ](args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            own = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
            assert args.inputs["name"] != own, "a file backend may fail with EOF: the engine writes this state"
            state |= {"outputs": dict(self._outputs[args.inputs["name"]])}
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> Any:
        match args.token.rpartition(":")[2]:
            case "readStackOutputs":
                return {"outputs": dict(self._state.outputs) if self._state else {}}
            case "readStackResourceOutputs":
                assert self._state is not None, "the engine would end with a nil dereference"
                return {"outputs": dict(self._state.resources)}
            case _:
                raise AssertionError(f"the program calls {args.token}: it should need no look-up")


class _Monitor(mocks.MockMonitor):
    def __init__(self, recorded: Recorded, registry: _Registry) -> None:
        super().__init__(registry)
        self._recorded, self._registry = recorded, registry

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 -- gRPC's name
        if request.type != "pulumi:pulumi:Stack":
            self._keep(request)
            if not self._registry.adds_to(request.type):  # its outputs are its inputs
                urn = self.make_urn(request.parent, request.type, request.name)
                return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=request.object)
        return super().RegisterResource(request)

    def _keep(self, request: Any) -> None:
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in {r.urn for r in self._recorded.resources}, f"the engine would refuse a second {urn}"
        self._recorded.resources.append(
            Registered(
                urn=urn,
                type=request.type,
                name=request.name,
                inputs=cast("dict[str, Any]", _whole(MessageToDict(request.object))),
                parent=request.parent,
                depends_on=frozenset(request.dependencies),
                provider=request.provider,
                aliases=tuple(alias.spec.name for alias in request.aliases),
                ignores=tuple(request.ignoreChanges),
                custom=request.custom,
                retain_on_delete=request.retainOnDelete,
                protect=request.protect,
                deleted_first=request.deleteBeforeReplace,
                secret_outputs=tuple(request.additionalSecretOutputs),
                create_timeout=request.customTimeouts.create,
                update_timeout=request.customTimeouts.update,
                delete_timeout=request.customTimeouts.delete,
                hooks={
                    moment: (*getattr(request.hooks, moment),)
                    for moment in ("before_create", "after_create", "before_update", "after_update", "on_error")
                    if getattr(request.hooks, moment)
                },
            )
        )


class _Callbacks:
    """Takes hooks as the engine's callback server would; nothing fails here, so none is ever called."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self._recorded.hooks.add(hook.name)

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self._recorded.hooks.add(hook.name)


class _Inline(ThreadPoolExecutor):
    """Does the work at once, in the caller's thread: registrations keep their order, and no thread's loop is left."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 -- handed to whoever waits, as an executor does
            done.set_exception(error)
        return done


def _marked(value: Any) -> Any:
    """Mark every leaf below a secret."""
    return {key: _marked(item) for key, item in value.items()} if isinstance(value, dict) else Secret(value)


def _whole(value: Any) -> Any:
    """Return numbers as they were written: the engine's protocol knows floats only. Secrets stay recognisable."""
    if rpc.is_rpc_secret(value):
        return _marked(_whole(value["value"]))
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def record(  # noqa: PLR0913 -- each names a part of the world
    program: Callable[[], object],
    *,
    stack: str = "dev",
    into: Recorded | None = None,
    outputs: Outputs | None = None,
    live: Live | None = None,
    state: State | None = None,
    preview: bool = False,
) -> Recorded:
    """Run a program to its end and give what it registered and exported.

    Give ``into`` to see what was registered by a program that fails, ``outputs`` where it asks other stacks, ``live``
    where it looks at what the API server adds, and ``state`` where the stack was deployed before.
    """
    registry = _Registry(outputs, live, state)
    recorded = Recorded() if into is None else into
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Inline())
    # Every output behind one that failed fails too. Told when they are collected, wherever that is: a traceback is
    # parsed for it, and Python 3.11 cannot parse while it parses (gh-106905).
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    try:
        # Each run gets a root of its own: exports of one would otherwise be found in the next.
        pulumi.runtime.settings.ROOT.set(None)
        monitor = _Monitor(recorded, registry)
        mocks.set_mocks(registry, "slipway", stack, preview=preview, monitor=monitor, organization="organization")
        cast("Any", pulumi.runtime.settings.SETTINGS).callbacks = _Callbacks(recorded)
        pulumi.runtime.test(lambda: program() and None)()
        root = get_root_resource()
        assert root is not None
        outputs = cast("dict[str, Any]", cast("Any", root).outputs)
        recorded.outputs = {key: _whole(loop.run_until_complete(_plain(value))) for key, value in outputs.items()}
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    return recorded


async def _plain(value: object) -> object:
    return await pulumi.Output.from_input(value).future()


def run_main(  # noqa: PLR0913 -- as above
    config: Mapping[str, object],
    *,
    stack: str = "dev",
    into: Recorded | None = None,
    outputs: Outputs | None = None,
    state: State | None = None,
    preview: bool = False,
) -> Recorded:
    """Run the real ``__main__.py`` with this ``slipway:`` namespace."""
    values = {f"slipway:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    set_all_config(values)
    program = partial(runpy.run_path, str(PROJECT / "__main__.py"), run_name="__main__")
    return record(program, stack=stack, into=into, outputs=outputs, state=state, preview=preview)


def unlocated(fault: str) -> str:
    """Return a fault without its line; tests/catalog/test_fault_lines.py checks lines."""
    stack = re.sub(r"^Pulumi\.[a-z-]+\.yaml, line \d+: (?=slipway:)", "", fault)
    return re.sub(r"^(catalog/\S+\.yaml), line \d+: (?!not valid YAML)", r"\1: ", stack)


def refusal_of(
    config: Mapping[str, object], *, stack: str = "dev", state: State | None = None, preview: bool = False
) -> list[str]:
    """Run the real ``__main__.py`` on configuration that it must refuse: the lines that it ends with.

    Nothing may have been registered before.
    """
    recorded = Recorded()
    try:
        run_main(config, stack=stack, into=recorded, state=state, preview=preview)
    except pulumi.RunError as error:
        assert recorded.resources == [], "registered before the error"
        return [unlocated(line) for line in str(error).splitlines()]
    raise AssertionError(f"accepted, with {len(recorded.resources)} resources")
