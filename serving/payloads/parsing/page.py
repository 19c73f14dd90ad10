"""The web page, and a content security policy that allows only the page's own code and style."""

import base64
import hashlib
from pathlib import Path

PAGE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")


def _hash_of(element: str) -> str:
    """Return the CSP source of the page's only such element: its text's hash, so that other inline code is blocked."""
    text = PAGE.partition(f"<{element}>")[2].partition(f"</{element}>")[0]
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_hash_of('style')}",
        f"script-src {_hash_of('script')}",
        "img-src blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
