"""Being logged in at a registry."""

from __future__ import annotations

from provision.agent.failure import Failure, NotThereYet
from provision.agent.registry_auth import CONFIG, HUB, stored
from provision.agent.registry_errors import why
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_GIVEN = "the given one"
_PRIVATE = 0o600


class RegistryLogin(Resource):
    """Credentials for a registry, verified by it and stored for root's ``docker``.

    Args:
        server: such as ``registry.example.org:5000``; Docker Hub is ``docker.io``.
        username: the account.
        password: its password or token; it is never shown, nor in any process' arguments.
        config: the ``config.json`` of Docker's client.

    """

    server: str
    username: str
    password: str
    config: str = CONFIG

    def expected(self, system: System) -> State:
        """Return that the credentials are stored, readable by their owner alone."""
        return {"username": self.username, "password": _GIVEN, "mode": _PRIVATE}

    def actual(self, system: System) -> State:
        """Return what is stored, the password only as the same or another one."""
        status = system.stat(self.config)
        credentials = None if status is None else stored(system, self._key(), self.config)
        if status is None or credentials is None:
            return {"username": None, "password": None, "mode": _PRIVATE}
        is_given = credentials.password == self.password
        return {
            "username": credentials.username,
            "password": _GIVEN if is_given else "another one",
            "mode": status.mode,
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Log in, which stores the credentials once the registry has accepted them."""
        if set(difference) != {"mode"}:
            self._log_in(system)
        if system.exists(self.config):
            system.set_mode(self.config, _PRIVATE)

    def _log_in(self, system: System) -> None:
        if system.which("docker") is None:
            raise NotThereYet(
                "Docker is not installed on this host", hint="run the docker_engine task before"
            )
        server = [] if self._key() == HUB else [self.server]
        done = system.run(
            ["docker", "login", "--username", self.username, "--password-stdin", *server],
            input=self.password.encode(),
            env={"DOCKER_CONFIG": self.config.rpartition("/")[0]},
            timeout=120,
        )
        if done.returncode == 0:
            return
        text = done.stderr.strip().rpartition("\n")[2]
        if "unauthorized" in text.lower() or "incorrect username or password" in text.lower():
            raise Failure(
                "the registry {} refuses {}'s password".format(self.server, self.username),
                found=text,
                hint="check the user name and the password; tokens expire",
            )
        raise why("logging in", text, server=self.server)

    def _key(self) -> str:
        return HUB if self.server in ("", "docker.io", "index.docker.io", HUB) else self.server
