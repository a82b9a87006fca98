"""What a role is to run, written down before any of it is started."""

from __future__ import annotations

import json
from typing import Any, Dict

from provision.agent import releases
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class Release(Resource):
    """A release of a role, complete on the host's disk.

    Args:
        root: the role's directory, such as ``/opt/generals/game_server``.
        release: its id, which stands for its content.
        compose: the Compose file.
        manifest: what it is made of, and who made it in which run; the host adds the time. Only a
            missing one is written: who deploys the same again makes no other release of it.

    """

    root: str
    release: str
    compose: str
    manifest: Dict[str, Any]

    def expected(self, system: System) -> State:
        """Return the id and the Compose file."""
        return {"release": self.release, "content": self.compose}

    def actual(self, system: System) -> State:
        """Return the same; of the current release where this one is not there yet."""
        found = self.release
        if releases.manifest(system, self.root, found) is None:
            found = releases.current(system, self.root)
        text = system.read_text(releases.compose_file(self.root, found)) if found else None
        return {"release": found or None, "content": text}

    def fix(self, system: System, difference: Difference) -> None:
        """Write it; the manifest comes last, and makes it complete."""
        directory = releases.directory(self.root, self.release)
        for path, mode in ((self.root + "/releases", 0o755), (directory, 0o700)):
            if not system.exists(path):
                system.make_directory(path, mode)
        system.write(
            releases.compose_file(self.root, self.release), self.compose.encode(), mode=0o600
        )
        manifest = {"release": self.release, "created": releases.now(), **self.manifest}
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        system.write(directory + "/manifest.json", text.encode(), mode=0o600)
