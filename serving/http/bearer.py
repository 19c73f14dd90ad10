"""A bearer token (RFC 6750) that some operations of a role require."""

import hmac
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request

from serving.errors import refusal


@dataclass(frozen=True, kw_only=True)
class BearerToken:
    """The token that clients send, and the environment variable that holds it. Without it, every request is refused."""

    variable: str
    value: str = field(default="", repr=False)

    def require(self, request: Request) -> None:
        """Admit a request that carries the token.

        Raises:
            HTTPException: 401 the request has no token or a wrong one; 403 the server has no token.
        """
        if not self.value:
            raise refusal(403, f"this operation is disabled: the server has no token; set {self.variable}")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # The comparison takes the same time for every token, so that the time reveals nothing about the token.
        # Starlette decodes headers as Latin-1.
        same = hmac.compare_digest(given.strip().encode("latin-1"), self.value.encode())
        if scheme.lower() != "bearer" or not same:
            raise HTTPException(
                401,
                "this operation requires the token; send the header Authorization: Bearer <token>",
                headers={"www-authenticate": "Bearer"},
            )
