"""Many small questions about a host in one message: what its checks begin with."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterable, Sequence

from provision.agent.at_once import at_once
from provision.agent.docker_api import Docker, DockerError
from provision.agent.failure import Failure
from provision.agent.grpc_health import NoAnswer, check
from provision.agent.resource import Data, Query
from provision.agent.resources.wait_for import address_of, reason_of
from provision.agent.system import System

_REPLY = 4096  # bytes of a reply that are looked at


class Survey(Query):
    """Answer everything that is asked; a question without an answer never fails the others.

    Args:
        commands: shell commands that change nothing.
        containers: whether to describe every container, as ``docker inspect`` does.
        grpc: ``host:port`` of gRPC servers to ask for their health.
        urls: to GET.
        tcp: ``host:port`` and a text to send there; the answer is what comes back first.
        timeout: seconds for each question.

    """

    commands: Sequence[str] = ()
    containers: bool = False
    grpc: Sequence[str] = ()
    urls: Sequence[str] = ()
    tcp: Dict[str, str] = {}  # noqa: RUF012 - declarations are frozen
    timeout: float = 10

    def answer(self, system: System) -> Data:
        """Return the host's ``time`` (Unix seconds, when it began) and an answer to each question.

        ``commands`` have ``rc``, ``stdout`` and ``stderr``; ``grpc`` has a health status, or what
        happened instead; ``urls`` have ``status`` and ``body``, ``tcp`` has ``reply``, and both
        have ``error`` where there was no answer. ``containers`` are Docker's own descriptions;
        ``containers_error`` says why there are none.
        """
        found: Data = {"time": time.time()}
        found["commands"] = {command: self._run(system, command) for command in self.commands}
        if self.containers:
            try:
                found["containers"] = list(_containers(Docker(system)))
            except Failure as failure:
                found["containers_error"] = failure.message
        found["grpc"] = at_once(lambda place: self._health(system, place), self.grpc)
        found["urls"] = at_once(self._get, self.urls)
        found["tcp"] = at_once(lambda place: self._say(system, place), self.tcp)
        return found

    def _run(self, system: System, command: str) -> Dict[str, Any]:
        try:
            argv = ["/bin/sh", "-c", command]
            done = system.run(argv, timeout=self.timeout, interruptible=True)
        except Failure as failure:
            return {"rc": 124, "stdout": "", "stderr": failure.message}  # as timeout(1) says it
        return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}

    def _health(self, system: System, place: str) -> str:
        try:
            connection = system.connect(address_of(place), self.timeout)
            try:
                return check(connection, place, "")
            finally:
                connection.close()
        except (NoAnswer, Failure, OSError) as error:
            return _excuse(error)

    def _get(self, url: str) -> Dict[str, Any]:
        from provision.agent.http_probe import probe  # noqa: PLC0415 - costs 60 ms where unused

        try:
            status, body = probe(url, self.timeout, True)
        except OSError as error:
            return {"error": _excuse(error)}
        return {"status": status, "body": body}

    def _say(self, system: System, place: str) -> Dict[str, Any]:
        try:
            connection = system.connect(address_of(place), self.timeout)
            try:
                connection.sendall(self.tcp[place].encode())
                reply: bytes = connection.recv(_REPLY)
            finally:
                connection.close()
        except (Failure, OSError) as error:
            return {"error": _excuse(error)}
        return {"reply": reply.decode("utf-8", "replace")}


def _containers(docker: Docker) -> Iterable[Dict[str, Any]]:
    for entry in docker.get("/containers/json", {"all": 1}):
        try:
            yield docker.get("/containers/{}/json".format(entry["Id"]))
        except DockerError as error:
            if error.status != 404:  # noqa: PLR2004 - it was removed meanwhile
                raise


def _excuse(error: Exception) -> str:
    return reason_of(error) if isinstance(error, OSError) else str(error)
