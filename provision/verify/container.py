"""A container as Docker describes it, in the words of the checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provision.agent.compose import ONE_OFF, PROJECT, SERVICE


@dataclass(frozen=True)
class Container:
    """One container.

    Args:
        inspected: what ``docker inspect`` says of it.

    """

    inspected: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name, as ``docker ps`` shows it."""
        return str(self.inspected["Name"]).lstrip("/")

    @property
    def id(self) -> str:
        """All 64 digits."""
        return str(self.inspected["Id"])

    @property
    def project(self) -> str:
        """The Compose project that it is of, or nothing."""
        return str(self._labels.get(PROJECT, ""))

    @property
    def service(self) -> str:
        """The Compose service that it is of, or nothing."""
        return str(self._labels.get(SERVICE, ""))

    @property
    def is_one_off(self) -> bool:
        """Whether ``docker compose run`` started it."""
        return self._labels.get(ONE_OFF) == "True"

    @property
    def image(self) -> str:
        """The image, as it was named when the container was made."""
        return str(self.config["Image"])

    @property
    def image_id(self) -> str:
        """The image's own id, with ``sha256:``."""
        return str(self.inspected["Image"])

    @property
    def condition(self) -> str:
        """How it is, in a few words: ``healthy``, ``running``, ``exited with 1``, …."""
        state = self.inspected["State"]
        if state["Status"] == "exited":
            return f"exited with {state['ExitCode']}"
        health = (state.get("Health") or {}).get("Status", "none")
        if state["Status"] == "running" and health != "none":
            return "starting, not healthy yet" if health == "starting" else str(health)
        return str(state["Status"])

    @property
    def last_words(self) -> str:
        """What its last health check printed, in one line."""
        log = (self.inspected["State"].get("Health") or {}).get("Log") or []
        return " ".join(str(log[-1].get("Output", "")).split())[-160:] if log else ""

    @property
    def was_killed_for_memory(self) -> bool:
        """Whether the kernel ended it because it was over its limit."""
        return bool(self.inspected["State"].get("OOMKilled"))

    @property
    def restarts(self) -> int:
        """How often Docker has restarted it since it was made."""
        return int(self.inspected.get("RestartCount", 0))

    @property
    def started(self) -> float:
        """When it last started, in Unix seconds of the host's clock."""
        text = str(self.inspected["State"]["StartedAt"])[:19]  # Docker's times are in UTC
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()

    @property
    def config(self) -> Mapping[str, Any]:
        """Docker's ``Config``."""
        config: Mapping[str, Any] = self.inspected["Config"]
        return config

    @property
    def host_config(self) -> Mapping[str, Any]:
        """Docker's ``HostConfig``."""
        config: Mapping[str, Any] = self.inspected["HostConfig"]
        return config

    @property
    def published(self) -> set[tuple[str, int]]:
        """The host's addresses and ports that lead into it; ``0.0.0.0`` and ``::`` are all."""
        ports = self.inspected["NetworkSettings"].get("Ports") or {}
        return {
            (binding.get("HostIp") or "0.0.0.0", int(binding["HostPort"]))  # noqa: S104
            for bindings in ports.values()
            for binding in bindings or ()
        }

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its own addresses in Docker's networks, as the host can reach them."""
        networks = self.inspected["NetworkSettings"].get("Networks") or {}
        return tuple(it["IPAddress"] for it in networks.values() if it.get("IPAddress"))

    @property
    def _labels(self) -> Mapping[str, Any]:
        labels: Mapping[str, Any] = self.config.get("Labels") or {}
        return labels


def untagged(reference: str) -> str:
    """Return an image's name without its tag and digest."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]
