"""What a request to the local EC2 or STS gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Refused", "Reply"]


class Refused(Exception):
    """EC2 or STS refuses a request."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def error(cls, service: str, code: str, message: str, status: int) -> Reply:
        """An error, in the form that EC2 has, or STS and others."""
        text = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        if service == "ec2":
            text = f"<Response><Errors>{text}</Errors><RequestID>local</RequestID></Response>"
        else:
            text = f"<ErrorResponse>{text}<RequestId>local</RequestId></ErrorResponse>"
        return cls(status, {"Content-Type": "text/xml"}, text.encode())
