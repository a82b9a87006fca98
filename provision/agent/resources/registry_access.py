"""Being let in by a registry, with credentials that the host does not keep."""

from __future__ import annotations

from provision.agent.docker_api import Docker, DockerError
from provision.agent.failure import Failure
from provision.agent.registry_errors import refused, why
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class RegistryAccess(Resource):
    """That a registry accepts credentials, as the host's Docker sees it; nothing is stored.

    Args:
        server: such as ``123456789012.dkr.ecr.eu-west-1.amazonaws.com``.
        username: the account.
        password: its password or token.

    """

    server: str
    username: str
    password: str

    def expected(self, system: System) -> State:
        """Return that they are accepted."""
        return {"login": "accepted"}

    def actual(self, system: System) -> State:
        """Have the daemon ask the registry (``POST /auth``), which changes nothing."""
        body = {
            "username": self.username,
            "password": self.password,
            "serveraddress": self.server,
        }
        try:
            Docker(system).post("/auth", body=body)
        except DockerError as error:
            if not refused(error.message):
                raise why("logging in", error.message, server=self.server) from error
            return {"login": "refused: " + error.message}
        return {"login": "accepted"}

    def fix(self, system: System, difference: Difference) -> None:
        """Fail: what the registry refuses cannot be mended on the host."""
        raise Failure(
            "the registry {} refuses {}'s password".format(self.server, self.username),
            found=difference["login"].actual,
            hint="check whose account it is, and that it may read the registry",
        )
