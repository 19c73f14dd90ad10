"""Regular expressions that every proxy reads in the same way.

Traefik, Envoy and most Gateways compile patterns with RE2 (https://github.com/google/re2/wiki/Syntax; Traefik 3.7:
``headerRegexp`` in ``pkg/muxer/http/matcher.go``, Go's ``regexp``). ingress-nginx uses PCRE (``balancer.lua``). A
pattern that RE2 refuses makes Traefik drop the canary's router, so the header never selects it. A pattern must be valid
in Python, which shares most of its syntax with both, and use nothing that RE2 lacks.
"""

import re
import warnings
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator

from models.vocabulary import Text

_TOKEN = re.compile(
    r"""(?P<escape>\\.)
    |(?P<set>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])
    |(?P<group>\(\?(?:<?[=!]|P[=<]|[>#(]|[-a-zA-Z]*[:)]))
    |(?P<repeat>[*+?]|\{\d*(?:,\d*)?\})(?P<possessive>\+?)
    |.""",
    re.DOTALL | re.VERBOSE,
)
_GROUPS = {
    "(?=": "look-ahead",
    "(?!": "look-ahead",
    "(?<=": "look-behind",
    "(?<!": "look-behind",
    "(?P=": "backreferences",
    "(?>": "atomic groups",
    "(?#": "comments",
    "(?(": "conditions",
}
_PLAIN_GROUP = re.compile(r"\(\?(?:[ims]*(?:-[ims]+)?[:)]|P<)")
_MOST_REPEATS = 1000
"""RE2's limit for the numbers of ``{n,m}``."""


def anywhere(pattern: str) -> str:
    """Return a pattern that matches a whole text in which ``pattern`` is found.

    Some proxies search in a text, others match the whole text. The result works the same in both.
    """
    return f"^.*(?:{pattern}).*$"


def whole(pattern: str, text: str) -> bool:
    """Return whether a pattern matches the whole text, as in PromQL."""
    return re.fullmatch(pattern, text) is not None


def _lacks(pattern: str) -> Iterator[str]:
    """Yield what the pattern uses and RE2 lacks, or reads differently, in the order of the text."""
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if token["group"] and not _PLAIN_GROUP.fullmatch(text):
            yield f"no {_GROUPS.get(text, f'group {text}')}"
        elif re.fullmatch(r"\\[1-9]", text):
            yield "no backreferences"
        elif re.fullmatch(r"\\[ZuUN]", text):
            yield f"no {text}"
        elif token["set"] and re.search(r"(?<!\\)(?:\\\\)*\\[b1-9uUN]", text):
            yield rf"no \b, \u, \U, \N or \1 in a set such as {text}"
        elif token["possessive"]:
            yield "no possessive quantifiers"
        elif text.startswith("{,"):
            yield f"no {text}, which it reads as plain text"
        elif token["repeat"] and any(int(count) > _MOST_REPEATS for count in re.findall(r"\d+", text)):
            yield f"at most {_MOST_REPEATS} repetitions"


def _pattern(value: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # [[:alpha:]], which Python reads differently
            re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}; correct the pattern") from error
    if found := next(_lacks(value), None):
        raise ValueError(f"proxies read patterns with RE2, which has {found}; rewrite the pattern without it")
    return value


Pattern = Annotated[Text, AfterValidator(_pattern)]
"""A regular expression for a proxy."""
