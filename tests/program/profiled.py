"""A metrics profile that names every key."""

from tests.samples import Config

PROFILE: Config = {
    "source": "server",
    "contexts": ["elsewhere"],
    "scrape": True,
    "requests": {
        "counters": ["answers_total", "losses_total"],
        "without": {"path": "/health.*"},
        "errors": {"counter": "losses_total", "label": "code", "values": "5.."},
        "refused": {"label": "code", "values": "429"},
        "group": "code",
    },
    "histograms": {
        "duration": {
            "metric": "took_seconds",
            "unit": "seconds",
            "bounds": [0.1, 0.5],
            "without": {"path": "/health.*"},
        },
        "wait": {"metric": "waited_ms", "unit": "milliseconds", "bounds": [100]},
    },
    "means": {"inference": {"sum": "spent_us", "count": "done_total", "unit": "microseconds"}},
    "queue": "waiting",
    "inFlight": "working",
    "process": True,
    "build": {"metric": "build_info", "labels": ["commit"]},
    "port": 9000,
    "path": "/metrics",
}
