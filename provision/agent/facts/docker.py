"""Docker, and which ports its containers have."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from provision.agent.compose import PROJECT
from provision.agent.docker_api import SOCKET, Docker
from provision.agent.failure import Failure
from provision.agent.system import System

_PLUGINS = ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")


def docker(system: System) -> Dict[str, Any]:
    """Return whether Docker and Compose are there, and what the daemon says of its containers.

    ``version`` and ``containers`` are None where no daemon answers. A container has ``name``,
    Compose's ``project`` ("" without one), ``state``, and in ``listeners`` the ``address`` and
    ``port`` of every TCP port that it publishes, while it runs; "" is all addresses.
    """
    version: Optional[str] = None
    containers: Optional[List[Dict[str, Any]]] = None
    if system.exists(SOCKET):
        daemon = Docker(system)
        try:
            version = daemon.version()
            containers = [_container(entry) for entry in daemon.get("/containers/json", {"all": 1})]
        except Failure:
            pass  # what it has said so far
    plugins = (path + "/docker/cli-plugins/docker-compose" for path in _PLUGINS)
    return {
        "provision_docker": {
            "installed": system.which("dockerd") is not None,
            "version": version,
            "compose": any(system.exists(path) for path in plugins),
            "containers": containers,
        }
    }


def _container(entry: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "name": entry["Names"][0].lstrip("/"),
        "project": (entry.get("Labels") or {}).get(PROJECT, ""),
        "state": entry["State"],
        "listeners": [
            {"address": port.get("IP", ""), "port": port["PublicPort"]}
            for port in entry.get("Ports") or ()
            if "PublicPort" in port and port["Type"] == "tcp"
        ],
    }
