"""A burst of connections waits in the kernel, and is accepted one by one between other work."""

import asyncio
import socket
import struct

from serving.cpu import Threads
from serving.http.app import make_app
from serving.http.server import ACCEPTED_AT_ONCE, BACKLOG, DrainingServer
from serving.role.payload import Payload
from serving.role.role import Role
from serving.role.service import make_service
from serving.settings import Ports, Settings
from serving.tests.support import IDENTITY

_MOST_WAITING = 28
"""Offset in the kernel's `tcp_info` at which a listening socket has the length of its queue (`tcpi_sacked`)."""


def test_the_kernel_s_queue_is_longer_than_what_one_turn_accepts() -> None:
    async def queue() -> int:
        service = make_service(Settings(), IDENTITY, workers=1)
        payload = Payload[None](load=lambda _: None, routes=lambda _: [])
        role = Role(payload=payload, service=service, threads=Threads(workers=1, intra_op=1), environment={})
        server = DrainingServer(make_app(role), service, ports=Ports(main=0))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup()
        try:
            with server.servers[0].sockets[0].dup() as one:
                info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
            (length,) = struct.unpack_from("I", info, _MOST_WAITING)
            return length
        finally:
            await server.shutdown()

    assert asyncio.run(queue()) == BACKLOG
    assert ACCEPTED_AT_ONCE < BACKLOG
