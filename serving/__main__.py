"""Entry point of the image: `python -m serving <role>`."""

import logging
import os
import sys

from serving import settings as settings_file
from serving.allocator import give_large_blocks_back
from serving.cpu import Threads, available_cpus
from serving.http.app import make_app
from serving.http.server import DrainingServer
from serving.identity import Identity
from serving.role.role import Role
from serving.role.service import make_service
from serving.roles import known_roles, load_role
from serving.telemetry.logs import configure, with_fields
from serving.work import offload

CANNOT_START = 2


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; return 0 after a drain, or 2 for an unusable role or settings."""
    try:
        match arguments:
            case [role]:
                payload = load_role(role)
            case _:
                raise ValueError(f"set one role: python -m serving <role>; known roles: {', '.join(known_roles())}")  # noqa: TRY301
        identity = Identity.from_environment(os.environ)
        settings = settings_file.load(os.environ)
        ports = settings_file.ports(os.environ)
    except ValueError as error:
        print(f"serving: {error}", file=sys.stderr)
        return CANNOT_START
    configure(identity, settings.log_level)
    give_large_blocks_back()
    cpus = available_cpus()
    threads = Threads.for_cpus(cpus)
    logging.getLogger("slipway.server").info(
        "starting",
        extra=with_fields(
            role=role,
            port=ports.main,
            managementPort=ports.management,
            cpus=cpus,
            workers=threads.workers,
            intraOp=threads.intra_op,
        ),
    )
    service = make_service(settings, identity, workers=payload.workers or threads.workers)
    made = Role(payload=payload, service=service, threads=threads, environment=os.environ, owns_process=True)
    DrainingServer(make_app(made, metrics=ports.management is None), service, ports=ports).run()
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    offload.end()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit, which waits for worker threads: one hung inference would hold the pod until the kubelet kills it.
    os._exit(code)
