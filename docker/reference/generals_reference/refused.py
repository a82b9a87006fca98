"""What a call is answered with instead of a reply."""

from __future__ import annotations

import grpc


class Refused(Exception):
    """Ends a call with this status; the text is the client's to read."""

    def __init__(self, status: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.status = status
