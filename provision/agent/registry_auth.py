"""Credentials for registries, as Docker's client keeps them in its ``config.json``."""

from __future__ import annotations

import binascii
import json
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence

from provision.agent.failure import Failure
from provision.agent.system import System

CONFIG = "/root/.docker/config.json"
HUB = "https://index.docker.io/v1/"  # the key of Docker Hub, for historical reasons


class Credentials(NamedTuple):
    """What proves to a registry who asks."""

    username: str
    password: str


def registry_of(image: str) -> str:
    """Return the key in ``config.json`` of the registry that ``image`` comes from."""
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host and first != "docker.io" else HUB


def stored(system: System, server: str, config: str = CONFIG) -> Optional[Credentials]:
    """Return the credentials for ``server`` in the file ``config`` itself, or None."""
    entry = _read(system, config).get("auths", {}).get(server, {}).get("auth", "")
    if not entry:
        return None
    username, _, password = binascii.a2b_base64(entry).decode("utf-8", "replace").partition(":")
    return Credentials(username, password)


def find(system: System, server: str, config: str = CONFIG) -> Optional[Credentials]:
    """Return the credentials for ``server``, also those that a credential helper gives out."""
    settings = _read(system, config)
    helper = settings.get("credHelpers", {}).get(server) or settings.get("credsStore")
    if not helper:
        return stored(system, server, config)
    done = system.run(["docker-credential-" + helper, "get"], input=server.encode())
    if done.returncode != 0:
        return None
    answer = json.loads(done.stdout)
    return Credentials(answer["Username"], answer["Secret"])


def headers(
    system: System, server: str, given: Mapping[str, Sequence[str]], config: str = CONFIG
) -> Dict[str, str]:
    """Return what a request to the daemon says of who asks, where anything is known.

    Args:
        system: the host.
        server: the registry.
        given: registry -> username and password; they count more than the stored ones.
        config: Docker's client configuration with the stored ones.

    """
    known = Credentials(*given[server]) if server in given else find(system, server, config)
    return {} if known is None else {"X-Registry-Auth": header(known, server)}


def header(credentials: Credentials, server: str) -> str:
    """Return the value of ``X-Registry-Auth``."""
    fields = {**credentials._asdict(), "serveraddress": server}
    encoded = binascii.b2a_base64(json.dumps(fields).encode(), newline=False).decode()
    return encoded.replace("+", "-").replace("/", "_")


def _read(system: System, config: str) -> Dict[str, Any]:
    try:
        settings: Dict[str, Any] = json.loads(system.read_text(config) or "{}")
    except ValueError as error:
        raise Failure(
            "{} is not valid JSON: {}".format(config, error), hint="mend it or remove it"
        ) from None
    return settings
