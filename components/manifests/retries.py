"""Which requests a proxy with nginx's annotations retries, and how often.

Semantics: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream, as ingress-nginx (1.15) and
Traefik (3.7.9: ``buildRetry`` of its provider ingress-nginx, ``pkg/middlewares/retry``) implement it. With
``error timeout``, both retry requests that no pod has begun. nginx also retries requests that a pod has begun if
``non_idempotent`` is added. In Traefik the status keywords decide, because it answers 502 for a lost connection and 504
for a silent one.
"""

from itertools import count

from models.routing import Retries, Route

_UNBEGUN = "error timeout"
_BEGUN = f"{_UNBEGUN} http_502 http_504 non_idempotent"
"""Without 500, which is an answer, and without 429 and 503, by which a full server asks for fewer requests."""
_LOST = 1000
"""One request in this many may reach the same unresponsive pod with every try."""


def tries(pods: int) -> int:
    """Return the number of tries that leaves at most one request in ``_LOST`` unanswered if one pod is unresponsive.

    No supported proxy remembers which pod was silent, so each try may reach any pod.
    """
    others = max(2, pods)
    return next(number for number in count(2) if others ** (number - 1) >= _LOST)


def retry_annotations(route: Route, *, pods: int, only_unbegun: bool) -> dict[str, str]:
    """Return nginx's annotations, without their prefix, for what is retried, how often and for how long.

    The time limit is enough to lose one try to a silent pod and the others to failed connections. No try begins later,
    so a service that is slow for all requests does not get each one ``tries`` times.
    """
    retries = route.retries or Retries()
    most, begun = retries.tries or tries(pods), retries.idempotent and not only_unbegun
    silent = route.timeout if begun and route.timeout else 0
    within = silent + most * retries.connect_timeout
    return {
        "proxy-connect-timeout": str(retries.connect_timeout),
        "proxy-next-upstream": _BEGUN if begun else _UNBEGUN,
        "proxy-next-upstream-tries": str(most),
        "proxy-next-upstream-timeout": str(within),
    }
