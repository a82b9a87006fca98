"""What a registry's refusals, as dockerd passes them on, mean for the person who has to act."""

from __future__ import annotations

import re
from typing import Sequence, Tuple

from provision.agent.failure import Failure

_UNREACHABLE = (
    r"no such host|connection refused|i/o timeout|no route to host|network is unreachable|"
    r"deadline exceeded|Client\.Timeout|EOF|connection reset|handshake timeout"
)
_REFUSED = r"no basic auth credentials|unauthorized|401|denied|may require 'docker login'"
# A pattern of dockerd's text, what it means, and what to do.
_MEANINGS: Sequence[Tuple[str, str, str]] = (
    (
        _REFUSED,
        "the registry {server} does not let this host in",
        "log in first (registry_login), and check that the account may read the image",
    ),
    (
        r"manifest unknown|manifest for .* not found|not found|name unknown",
        "there is no image {image}",
        "check its name and tag, or push it; the registry {server} itself answers",
    ),
    (
        r"x509|certificate",
        "the registry {server} shows a certificate that this host does not trust",
        "put its authority's certificate into /etc/docker/certs.d/{server}/ca.crt",
    ),
    (
        r"server gave HTTP response to HTTPS client",
        "the registry {server} does not speak TLS",
        "give it a certificate, or list it in daemon.json under insecure-registries",
    ),
    (
        r"no space left on device",
        "the disk is full",
        "free some space: docker system df; docker image prune --all",
    ),
    (
        r"toomanyrequests|rate limit",
        "the registry {server} limits how often this host may pull",
        "log in, or mirror the image in a registry of your own",
    ),
    (
        _UNREACHABLE,
        "the registry {server} cannot be reached from this host",
        "check the host's DNS, network, firewall and proxy settings",
    ),
)
_PASSING = re.compile(
    r"i/o timeout|EOF|connection reset|deadline exceeded|Client\.Timeout|handshake timeout|50[234]"
)


def may_pass(text: str) -> bool:
    """Tell whether trying again a little later is worth it."""
    return _PASSING.search(text) is not None


def refused(text: str) -> bool:
    """Tell whether a registry answered that it does not know who asks, or does not let them."""
    return re.search(_REFUSED, text, re.IGNORECASE) is not None


def unreachable(text: str) -> bool:
    """Tell whether a registry did not answer at all."""
    return re.search(_UNREACHABLE, text, re.IGNORECASE) is not None


def why(doing: str, text: str, *, server: str, image: str = "") -> Failure:
    """Return the failure that a person can act on; ``doing`` is what was attempted."""
    for pattern, meaning, hint in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            names = {"server": server, "image": image}
            return Failure(
                "{}: {}".format(doing, meaning.format(**names)),
                found=text.strip(),
                hint=hint.format(**names),
            )
    return Failure(doing + " failed", found=text.strip())
