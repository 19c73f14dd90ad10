"""Runs in a pod: prints as JSON whether names resolve and servers answer. Arguments: names to resolve, URLs to ask.

Any HTTP status is an answer, a refusal for want of credentials included: the question is whether packets arrive.
"""

import json
import socket
import ssl
import sys
import urllib.error
import urllib.request

_LIMIT_SECONDS = 20.0


def resolved(name: str) -> str:
    """Return a name's address, or why there is none."""
    try:
        return socket.gethostbyname(name)
    except OSError as failure:
        return f"no answer: {failure}"


def asked(url: str, limit_seconds: float = _LIMIT_SECONDS) -> str:
    """Return the status of an answer, or why there is none."""
    try:
        with urllib.request.urlopen(url, timeout=limit_seconds, context=_trusting()) as answer:  # noqa: S310
            return str(answer.status)
    except urllib.error.HTTPError as refusal:
        return str(refusal.code)
    except OSError as failure:
        return f"no answer: {failure}"


def _trusting() -> ssl.SSLContext:
    """The API server's certificate is of an authority that only the cluster knows; nothing secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


if __name__ == "__main__":
    print(json.dumps({given: asked(given) if "://" in given else resolved(given) for given in sys.argv[1:]}))  # noqa: T201
