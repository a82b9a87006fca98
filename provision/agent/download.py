"""Getting a file over HTTP, in pieces."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Callable, Dict, Iterator, Optional

from provision.agent.failure import Failure

_CHUNK = 1 << 18  # bytes a read
Progress = Callable[[str, int, Optional[int], str], None]


def download(
    url: str, headers: Dict[str, str], timeout: float, progress: Progress
) -> Iterator[bytes]:
    """Yield what ``url`` answers; see ``System.download``."""
    done = 0
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the user's own URL
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            length = response.headers.get("Content-Length")
            total = int(length) if length else None
            for chunk in iter(lambda: response.read(_CHUNK), b""):
                done += len(chunk)
                progress(url, done, total, "bytes")
                yield chunk
    except urllib.error.HTTPError as error:
        raise Failure("cannot get {}: {} {}".format(url, error.code, error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise Failure("cannot get {}: {}".format(url, reason)) from error
    if total is not None and done < total:
        raise Failure("cannot get {}: it ended after {} of {} bytes".format(url, done, total))
