"""Which requests a proxy with nginx's annotations sends to a pod once more, and how often.

Semantics: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream, as ingress-nginx (1.15) and
Traefik (3.7.9: ``buildRetry`` of its provider ingress-nginx, ``pkg/middlewares/retry``) honour it. Both repeat what no
pod has begun on ``error timeout``. What a pod has begun, nginx repeats on the same two words if ``non_idempotent`` is
with them; in Traefik the words of statuses decide, as it answers 502 for a lost connection and 504 for a silent one.
"""

from itertools import count

from models.routing import Retries, Route

_UNBEGUN = "error timeout"
_BEGUN = f"{_UNBEGUN} http_502 http_504 non_idempotent"
"""Not 500, which is an answer, nor 429 and 503: they are how a full server asks for less."""
_LOST = 1000
"""One request in this many may reach the same unresponsive pod with every try."""


def tries(pods: int) -> int:
    """Return the tries that leave at most one request in `_LOST` unanswered if one of the pods is unresponsive.

    No proxy here remembers which pod was silent: each try takes any of them.
    """
    others = max(2, pods)
    return next(number for number in count(2) if others ** (number - 1) >= _LOST)


def retry_annotations(route: Route, *, pods: int, only_unbegun: bool) -> dict[str, str]:
    """Say what is repeated, how often, and for how long, in nginx's words without their prefix.

    No try begins later than it takes to lose one to a silent pod and the others to connections that do not come about:
    then a service that is slow for everybody is not asked ``tries`` times.
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
