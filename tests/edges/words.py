"""Values around the edge of each rule of the vocabulary."""
# ruff: noqa: S108, RUF001 -- the folders belong to pods; digits of other scripts are edges

from typing import Any

from tests.recording import DIGEST
from tests.samples import IMAGE

Values = list[Any]
INT32, INT64 = 2**31 - 1, 2**63 - 1

NAMES: Values = [
    "a", "a" * 63, "a" * 64, "a" * 52, "a" * 53, "a" * 56, "a" * 57, "x-1", "1x", "-a", "a-", "A", "a.b", "a_b",
    "a b", " a", "a ", "ä", "", "a--b", "7", "on", "null", 7, "a\n", "kube-x", "default", "x-blue",
]  # fmt: skip
HOSTS: Values = [
    "a", "a.b", "7.a", "1.2.3.4", "1.2.3", "h" * 63, "h" * 64, ".".join(["h" * 61] * 4) + ".hhhhh",
    ".".join(["h" * 62] * 4) + ".hh", "a.", ".a", "a..b", "*.a", "A.b", "a_b.c", "-a.b", "a-.b", "a b", "",
    "xn--bcher-kva.example", "bücher.example", "a:80", "http://a", "a/b", "localhost", "a.b\n",
]  # fmt: skip
CLASSES: Values = [".".join(["h" * 44] * 5), ".".join(["h" * 44] * 5) + "h", ".".join(["h" * 44] * 5) + "hh"]
PATHS: Values = [
    "/", "/a", "/a/", "/a.b", "/a//b", "/./a", "/../a", "/a/..", "/...", "/%2f", "/%2F", "/%20", "/%zz", "/%", "a",
    "", "/a?b", "/a#b", "/a b", "/ä", "/a\\b", "/a:b", "/$a", "/{a}", "/A-_~", "/a;b=c", "/a,b", "/*", "/(a)", "/a|b",
    '/a"b', "/a'b", "/" + "p" * 1023, "/" + "p" * 1024, "/" + "p" * 4096, "/%E2%82%AC", "/a@b", "/a+b", "/a&b=c",
    "/a^b", "/<a>", "/[a]", " /a", "/a\n", "/tmp", "/etc/slipway", "/etc", "/dev/shm", "/tmp/a", "/mnt/x",
]  # fmt: skip
LABEL_VALUES: Values = [
    "", "a", "v" * 63, "v" * 64, "-a", "a-", "A_b.c", "a b", " a", "ä", "a/b", "7", "true", "a\n", ".",
]  # fmt: skip
LABEL_KEYS: Values = [
    "k", "k" * 63, "k" * 64, "example.com/k", f"{'a.' * 126}a/k", f"{'a.' * 127}a/k", "Example.com/k", "a/b/c", "/k",
    "a/", "", "k k", " k", "ä", f"{'a.' * 121}aa/k", f"{'a.' * 122}a/k", "k_", "K.k", "example.com/" + "k" * 64,
    "kubernetes.io/hostname", "7",
]  # fmt: skip
TEXTS: Values = [
    "", "a", " ", " a ", "ä€😀", "a\nb", "a\tb", "x" * 300, "x" * 70_000, "yes", "7", "1e3", "${A}", "$(A)", "{{ a }}",
    '"', "'", "\\", "a\x00b", "a\x07b", "\u2028", "\ufeff", "#", "-", "%s", "null", 7, True,
]  # fmt: skip
QUANTITIES: Values = [
    "1", "0", "-1", "0.5", ".5", "5.", "1.5Gi", "0.1", "100m", "1m", "1500m", "0.0001", "1u", "1n", "0.1n", "1e3",
    "1E3", "1e-3", "1e+2", "1e9", "1e99", "1e-9", "1Ki", "1Mi", "1023Ki", "1024Ki", "512m", "600Mi", "64Mi", "1Gi",
    "2Gi", "1.0", "001", "007Mi", "1k", "1K", "1M", "1G", "1gi", "1GB", "1 Gi", " 1Gi", "1Gi ", "1,5", "1_000",
    "0x10", "١", "", "Mi", "1Ei", "7Ei", "8Ei", "16E", "9E", "10E", "9223372036854775807", "9223372036854775808",
    "99999999999999999999", "1.23456789012", "0.333333333333", "1Pi", "+1", "+1Gi", "1e", "1E", "1e3Mi",
    "100000000000n", "1.1Ki", "0.9Mi", 1, 0, -1, 5, 1.5, True, "Infinity", "NaN",
]  # fmt: skip
DURATIONS: Values = [
    "0s", "1s", "2s", "30s", "90s", "1m30s", "2h", "1h1m1s", "0h0m0s", "1s1m", "", "5", 5, "1.5s", "-1s", "+1s",
    " 5s", "5s ", "1H", "1ms", "1d", "１s", "007s", "999999s", "999999h", f"{INT32}s", f"{INT32 + 1}s", "596523h",
    "596524h", "1h 1m", "24h", "1800s", "1801s", "3600s", "3601s", "75s", "76s", "99999s", "100000s",
]  # fmt: skip
LATENCIES: Values = [
    "1ms", "0ms", "5ms", "300ms", "500ms", "0.5s", "1s", "30s", "31s", "", "300", 300, "999999999ms", "1000000000ms",
    "1m",
]  # fmt: skip
CIDRS: Values = [
    "10.0.0.0/8", "10.0.0.1/8", "10.0.0.1/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:DB8::/32",
    "2001:db8::1/128", "2001:db8::/129", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/08", "010.0.0.0/8",
    "10.0.0.0/255.0.0.0", "::ffff:10.0.0.0/104", "fe80::%eth0/64", "", " 10.0.0.0/8", "10.0.0.0/-1", "10.0.0/8",
    "::ffff:0:0/96", "64:ff9b::/96", "2001:0db8::/32", "2001:db8:0:0::/64",
]  # fmt: skip
URLS: Values = [
    "http://a", "https://a:8443", "https://a:0", "https://a:65535", "https://a:65536", "ftp://a", "http://",
    "http://a b", "http://u:p@a", "http://[::1]:80", "http://[::1", "HTTP://A", "http://a/b?c#d", "http://ä", "", "a",
    "http://a:", "http://a:080", "http://a\n", "redis://a", "http://a_b", "http://" + "a" * 300,
]  # fmt: skip
HEADERS: Values = [
    "X-A", "x", "X A", "X:A", "", "Ä", "X_A", "X.A", "!#$%&'*+.^_`|~-", "A" * 256, "A" * 257, "X(A)", "Cookie", "a/b",
    " X", "X\n",
]  # fmt: skip
SHARES: Values = [
    0, 1, 2, -1, INT32, INT32 + 1, "0%", "1%", "25%", "100%", "101%", "1000%", "999999%", "1000000%", "25", "25.5%",
    "-1%", " 25%", "%", "025%", "٢٥%", "", 1.0, True, "+1%",
]  # fmt: skip
VARIABLES: Values = [
    "A", "_", "a1", "1A", "A-B", "A.B", "A B", "A=B", "", "Ä", "V" * 253, "V" * 254, "PORT", "SLIPWAY_X", "X_TOKEN",
    "A\n", "LD_PRELOAD",
]  # fmt: skip
FILES: Values = [
    "a", ".a", "..", "..a", ".", "a/b", "a b", "", "f" * 253, "f" * 254, "ä", "A_b.c", "-", "a:b", "...", "a..b",
]  # fmt: skip
METRICS: Values = [
    "a", "a:b", ":", "_", "7a", "a-b", "a.b", "a/b", "", "A" * 300, "ä", "a b", "..", "a%",
]  # fmt: skip
URIS: Values = [
    "file:///a", "file://a", "file:///", "s3://abc/d", "s3://ab/d", "s3://abc/d/", "s3://abc", "s3://Abc/d",
    "pvc://written", "pvc://written/a", "pvc://written/../a", "pvc://written/a/", "pvc://written/a//b",
    "pvc://written/...", "oci://" + IMAGE, "oci://a:tag", "", "http://a", "file:///a b", "file:///ä",
    "pvc://written/ä", "pvc://written/" + "f" * 300, "file:///" + "f" * 5000, "pvc://kept", "pvc://written/a\\b",
    "pvc://written/$a", f"hf://acme/other@{'5f0c' * 10}", "hf://acme/tiny@main", "https://example.com/a/",
]  # fmt: skip
DIGESTS: Values = [
    DIGEST, DIGEST.upper(), DIGEST[:-1], DIGEST + "0", "sha512:" + "0" * 128, "", "5f0c" * 16, f" {DIGEST}",
    f"{DIGEST}\n",
]  # fmt: skip
IMAGES: Values = [
    IMAGE, f"a@{DIGEST}", f"a:1@{DIGEST}", f"A/b@{DIGEST}", f"localhost:5000/a@{DIGEST}", f"a/B@{DIGEST}",
    f"a//b@{DIGEST}", f"a__b@{DIGEST}", f"a---b@{DIGEST}", f"a._b@{DIGEST}", f"{'a' * 300}@{DIGEST}", f" a@{DIGEST}",
    f"a@{DIGEST} ", "a", f"a@{DIGEST[:-1]}", f"-a/b@{DIGEST}", f"a..b/c@{DIGEST}", f"a:99999/b@{DIGEST}",
    f"a/b_@{DIGEST}",
]  # fmt: skip
PATTERNS: Values = [
    "a", "^b$", "", "(", "a|b", ".*", "[a-z]+", r"\d", r"\x20", "a{1001}", "a{1,1000}", "(?=a)", r"\1", "ä", " ", '"',
    "p" * 4086, "p" * 4087, "(?i)a", "a++", r"\Z", "^$", "(?:a)", "a b",
]  # fmt: skip
CRONS: Values = [
    "0 7 * * *", "30 7 * * 1-5", "60 7 * * *", "0 24 * * *", "0 0 30 2 *", "0 0 31 2 *", "* * * * *", "@daily",
    "0 7 * *", "0 7 * * * *", "0 7 * * 7", "0 7 * * 0", "*/5 * * * *", "*/0 * * * *", "0 7 * JAN MON", "0 7 ? * ?",
    " 0 7 * * *", "0 7 L * *", "",
]  # fmt: skip
GRANTED: Values = [
    "configmaps", "*", "a/b", "", "A", " a", "ä", "a.b", "deployments/scale", "x" * 300, "a\n",
]  # fmt: skip
ROUTE_KEYS: Values = [*LABEL_KEYS, "nginx.ingress.kubernetes.io/canary", "nginx.ingress.kubernetes.io/x"]
FREE_KEYS: Values = [*LABEL_KEYS, "slipway.dev/x", "app.kubernetes.io/name"]
DEVICES: Values = [
    *LABEL_KEYS, "nvidia.com/gpu", "requests.a.b/c", "a.b/C_d", "a/b", "x.kubernetes.io/y", "kubernetes.io/y",
]  # fmt: skip
REGISTRIES: Values = ["a", "a/b", "a:5000", "a:x", "http://a", "A", "a/B", "", "a/", "a b", "registry.example.com/ml/x"]
ZONES: Values = ["UTC", "Europe/Berlin", "europe/berlin", "Mars/Base", "", "GMT+1", "Etc/GMT+1"]
FOLDERS: Values = ["a", "a/b", "", "..", "/a", "a" * 256, "ä" * 128, "a/" * 600]
OBJECTIVES: Values = [
    50, 49.9, 99.9, 99.9999, 99.99999, 100, "99.9", "99,9", 0, -1, True, "1e2", float("nan"), "99.9 ",
]  # fmt: skip
OWN: dict[str, Values] = {
    "stack.system.discard.[]": ["claim/a", "namespace/a", "claim/A", "claim/", "pod/a", "claim/a.b"],
    "stack.cluster.uid": [
        "0c7a3f52-4f0e-4b1c-9d7a-6f1f2b9f8a12",
        "0C7A3F52-4f0e-4b1c-9d7a-6f1f2b9f8a12",
        "0c7a3f52",
        " ",
    ],
    "stack.cluster.podSecurityVersion": [
        "latest",
        "v1.36",
        "v1.0",
        "v1.99",
        "v1.١",
        "v2.0",
        "1.36",
        "v1.36\n",
        "v1.036",
    ],
    "stack.source": ["a", "o/p/s", "o/s", "a" * 100, "a" * 101, "a b", ".", "o/p/s/"],
}
"""Values of fields whose pattern is their own, by path."""
