"""Tables of what a model accepts and what it refuses, and the tests of all their rows."""

from pydantic import BaseModel

from tests.each import Test, each
from tests.samples import accepted, refused

Accepted = list[tuple[type[BaseModel], object]]
Refused = list[tuple[type[BaseModel], object, str]]
"""With the whole line that a user reads, below ``given: ``."""

# The rules of the vocabulary, as they end a line.
NAME = "a name contains only lowercase letters, digits and '-', starts with a letter, and does not end with '-'"
OBJECT = "an object name has at most 253 lowercase letters, digits, '-' and '.'"
HOST = "a host is a lowercase DNS name, such as model.example.com, without a scheme, port or path"
PATH = "a path starts with '/' and contains no space, '?' or '#'"
ROUTE = "the path of a route must not contain '//', '%2f', '.' or '..', which the API server refuses"
FOLDER = "a mount path must not contain ':' and must not be a reserved path: /, /tmp, /etc/slipway"
LABEL = "a label has at most 63 letters, digits, '-', '_' and '.', and starts and ends with a letter or digit"
LABEL_KEY = "a label key must have a name, with or without a prefix, as in example.com/team"
DEVICE = "a device name is <vendor domain>/<resource>, such as nvidia.com/gpu or nvidia.com/mig-1g.5gb"
HEADER = "a header or cookie name is one token of letters, digits and !#$%&'*+.^_`|~- (RFC 9110)"
FIVE_FIELDS = (
    "a cron expression has five fields: minute, hour, day, month, day of the week; write them as in 30 7 * * 1-5"
)
QUANTITY = "a quantity is a number with an optional unit, such as 250m, 1.5, 512Mi or 2Gi"
DURATION = "a duration is whole hours, minutes and seconds, such as 45s, 1m30s or 2h"
LATENCY = "a latency is whole milliseconds or seconds, such as 300ms or 2s"
VARIABLE = "a variable name contains only letters, digits and '_', and does not start with a digit"
METRIC = "a metric name contains only letters, digits, '_' and ':', and does not start with a digit"
FILE = "a file name has at most 253 letters, digits, '-', '_' and '.', is not '.', and does not start with '..'"
ADDRESS = "an address has the form http://host[:port] or https://host[:port], without a user or password"
NETWORK = "a network is an address and its prefix length, as in 192.0.2.7/32 or 2001:db8::/32"
NO_NETWORK = "not a network such as 10.0.0.0/8 or 192.0.2.7/32"
MODEL = (
    "a model URI has the form file:///folder (in the image), s3://bucket/prefix, https://host/folder/ (or a file), "
    "hf://organization/model@<40 hex digits of the commit>, pvc://volume/folder or oci://repository@sha256:<64 hex>"
)
BY_DIGEST = "an image must be named by digest, as repository@sha256:<64 hex>, because a tag can change"
WILDCARD = "a wildcard grants access to more than intended; name each resource"
NOT_PLAIN = (
    "looks like a secret, but everyone who can read pods can read env; use secrets, or write {public: …} around a "
    "value that is no secret"
)
CUT_OFF = "so a request may be cut off; raise drain or lower requestTimeout"
TWO_HANDS = "would let an HPA change it; remove one or the other"
EVICTED = "50Mi of logs, so the kubelet would evict the pod; raise it"
OURS = "Slipway sets this key; choose another key"
LIST = "must be a list"
MAP = "must be a map"
TEXT = "must be text; quote it"
EMPTY = "must not be empty; add at least one"
REQUIRED = "required, but not set"
SHARE = "must be a whole number of pods, or a percentage such as 25%"
INTEGER = "must be a whole number"
AT_LEAST_1 = "must be at least 1"


def accepting(table: Accepted) -> Test:
    """Return a test that each row's model accepts its data."""
    return each(("model", "data"), table)(assert_accepted)


def refusing(table: Refused) -> Test:
    """Return a test that each row's model refuses its data in exactly this line."""
    return each(("model", "data", "line"), table)(assert_refused)


def assert_accepted(model: type[BaseModel], data: object) -> None:
    """The model accepts the data."""
    assert accepted(model, data)


def assert_refused(model: type[BaseModel], data: object, line: str) -> None:
    """The model refuses the data in exactly this line."""
    assert refused(model, data) == (f"given: {line}",)
