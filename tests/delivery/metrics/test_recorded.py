"""What a real Prometheus 3.15 answered about 300 requests at weight 20 through Traefik 3.7.9.

The clients had counted 240 answers of blue and 60 of green; green's series were new, as it had just been filled.
"""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import httpx

from delivery.metrics.prometheus import Prometheus, Tally
from delivery.metrics.sources import Target
from models.delivery import Arm
from tests.samples import SLIPWAY

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
SINCE, NOW = 1795266909.264, 1795266911.409
TARGET = Target(
    namespace="e-metrics",
    service="small",
    slots={"live": "blue", "candidate": "green"},
    routed=True,
    driver="nginx",
    proxy="traefik",
    profile=SLIPWAY,
)


def spoken(query: str) -> str:
    """A query without the window's length, which a rounded time changes."""
    return re.sub(r"\[\d+ms\]", "[window]", query)


def replay(request: httpx.Request) -> httpx.Response:
    sent = parse_qs(request.content.decode())
    same = (
        row for row in RECORDED if spoken(row["query"]) == spoken(sent["query"][0]) and row["time"] == sent["time"][0]
    )
    return httpx.Response(200, json=next(same)["answer"])


def test_every_request_of_the_clients_is_counted_once() -> None:
    client = Prometheus("http://prometheus", clock=lambda: NOW, transport=httpx.MockTransport(replay))
    assert client.counts(TARGET, SINCE, {"duration": 300}) == {
        "live": Tally(total=240, errors=0, times={"duration": Arm(bad=0, total=240)}),
        "candidate": Tally(total=60, errors=0, times={"duration": Arm(bad=0, total=60)}),
    }
