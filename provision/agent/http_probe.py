"""One HTTP request for the sake of its status."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Tuple

_MOST = 1 << 20  # bytes of the body that are looked at


def probe(url: str, timeout: float, validate_certs: bool) -> Tuple[int, str]:
    """Return the status and the body of a GET; redirects are followed, proxies are not used.

    Raises:
        OSError: there was no answer.

    """
    context = ssl.create_default_context()
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=timeout) as response:
            return response.status, response.read(_MOST).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(_MOST).decode("utf-8", "replace")
    except urllib.error.URLError as error:
        reason = error.reason
        raise reason if isinstance(reason, OSError) else OSError(str(reason)) from error
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(str(error) or type(error).__name__) from error
