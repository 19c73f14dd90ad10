"""Tables of what a model takes and what it refuses, as parameters of tests."""

from collections.abc import Callable

from pydantic import BaseModel

from tests.each import Rule, Test, each
from tests.samples import accepted, refused

Accepted = list[tuple[type[BaseModel], object]]
Refused = list[tuple[type[BaseModel], object, str]]
"""With the whole line that a user reads, below ``given: ``."""

# The rules of the vocabulary, as they end a line.
NAME = "a name is lower-case letters, digits and '-', starts with a letter and ends with no '-'"
OBJECT = "an object's name is lower-case letters, digits, '-' and '.', at most 253 in all"
HOST = "a host is a lower-case DNS name such as model.example.com (no scheme, port or path)"
PATH = "a path starts with '/' and holds no space, '?' or '#'"
ROUTE = "a route's path holds no '//', '%2f', '.' or '..'; the API server refuses it"
FOLDER = "a folder of the pod holds no ':' and is not one that is taken: /, /tmp, /etc/slipway"
LABEL = "a label is at most 63 letters, digits, '-', '_' and '.'; a letter or digit is first and last"
LABEL_KEY = "a label's key has a name, with or without a prefix, as in example.com/team"
DEVICE = "a device is named vendor domain/resource, such as nvidia.com/gpu or nvidia.com/mig-1g.5gb"
HEADER = "a header or cookie name is one token of letters, digits and !#$%&'*+.^_`|~- (RFC 9110)"
QUANTITY = "a quantity is a number with an optional unit, such as 250m, 1.5, 512Mi or 2Gi"
DURATION = "a duration is whole hours, minutes and seconds such as 45s, 1m30s or 2h"
LATENCY = "a latency is whole milliseconds or seconds such as 300ms or 2s"
VARIABLE = "an environment variable is letters, digits and '_', and does not start with a digit"
METRIC = "a metric's name is letters, digits, '_' and ':', and does not start with a digit"
FILE = "a file name is at most 253 letters, digits, '-', '_' and '.', and is not '.' nor starts with '..'"
ADDRESS = "an address is http://host[:port] or https://host[:port], with no user or password in it"
NETWORK = "a network is an address and its prefix length, as in 192.0.2.7/32 or 2001:db8::/32"
NO_NETWORK = "not a network such as 10.0.0.0/8 or 192.0.2.7/32"
MODEL = (
    "a model is file:///folder (of the image), s3://bucket/prefix, pvc://volume/folder or "
    "oci://repository@sha256:<64 hex>"
)
BY_DIGEST = "an image is named by digest, repository@sha256:<64 hex>; a tag can change under you"
WILDCARD = "a wildcard grants what nobody thought of; name each resource"
NOT_PLAIN = "looks like a secret, and env is readable by everybody who may read pods; use secrets"
CUT_OFF = "a request may be cut off; lengthen drain or shorten requestTimeout"
TWO_HANDS = "would let an HPA change it; drop one or the other"
EVICTED = "50Mi of logs together: the kubelet would evict the pod; raise it"
OURS = "Slipway sets this key itself; take another one"
LIST = "a list belongs here"
MAP = "a map belongs here"
TEXT = "text belongs here; quote it"
EMPTY = "is empty; give at least one"
REQUIRED = "required, but not given"
INTEGER = "Input should be a valid integer"
AT_LEAST_1 = "Input should be greater than or equal to 1"


def accepting(table: Accepted) -> Callable[[Rule], Test]:
    """Run a test on each row of a table."""
    return each(("model", "data"), table)


def refusing(table: Refused) -> Callable[[Rule], Test]:
    """Run a test on each row of a table."""
    return each(("model", "data", "line"), table)


def assert_accepted(model: type[BaseModel], data: object) -> None:
    """The model takes the data."""
    assert accepted(model, data)


def assert_refused(model: type[BaseModel], data: object, line: str) -> None:
    """The model refuses the data in exactly this line."""
    assert refused(model, data) == (f"given: {line}",)
