"""Entry point of the image: `python -m serving`."""

import logging
import os
import sys
from pathlib import Path

from serving import settings as settings_file
from serving.app import make_app, make_service
from serving.cpu import Threads, available_cpus
from serving.identity import Identity
from serving.logs import configure, with_fields
from serving.model import load
from serving.server import DrainingServer

BAD_SETTINGS = 2


def main() -> int:
    """Serve until SIGTERM; the exit code is 0 after a drain, 2 for settings that cannot be used."""
    try:
        identity = Identity.from_environment(os.environ)
        settings = settings_file.load(os.environ)
        port = settings_file.port(os.environ)
    except ValueError as error:
        print(f"serving: {error}", file=sys.stderr)
        return BAD_SETTINGS
    configure(identity, settings.log_level)
    cpus = available_cpus()
    threads = Threads.for_cpus(cpus)
    logging.getLogger("slipway.server").info(
        "starting",
        extra=with_fields(port=port, cpus=cpus, workers=threads.workers, intraOp=threads.intra_op),
    )
    service = make_service(settings, identity, threads)
    app = make_app(service, lambda: load(Path(settings.model_path), threads.intra_op))
    DrainingServer(app, port=port, lifecycle=service.lifecycle, drain_seconds=settings.drain_seconds).run()
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: it would wait for worker threads, and one hung inference would hold the pod until it is killed.
    os._exit(code)
