"""Old releases of a role, gone with what only they needed."""

from __future__ import annotations

from typing import Any, Dict, List, Set

from provision.agent import releases
from provision.agent.docker_api import Docker, DockerError
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_CONFIG_FILES = "com.docker.compose.project.config_files"  # as Compose labels its containers
_STILL_NEEDED = (404, 409)  # Docker: no such image; a container or another name needs it


class PrunedReleases(Resource):
    """No releases, mounted files and images but those that are needed, or may be again.

    Kept are the current release and the one before it, whatever any container was made from or
    mounts, then those that going back leads to, then the newest others: what never was well does
    not push out what was. An image goes only where no kept release of any role names it.

    Args:
        root: the role's directory.
        role: its name.
        keep: how many releases stay in all, at least two.

    """

    root: str
    role: str
    keep: int = 5

    def expected(self, system: System) -> State:
        """Return that nothing is left to remove."""
        return {"old releases": [], "old files": []}

    def actual(self, system: System) -> State:
        """Return the ids of releases, and the directories of mounted files, to be removed."""
        present = system.listdir(self.root + "/releases")
        in_use = _in_use(system)
        kept = self._kept(system, in_use)
        texts = [system.read_text(releases.compose_file(self.root, it)) or "" for it in kept]
        needed = "\n".join([*texts, *in_use["mounts"]])
        files = system.listdir(self.root + "/config")
        return {
            "old releases": [name for name in present if name not in kept],
            "old files": [name for name in files if "/config/{}/".format(name) not in needed],
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Remove images first: the manifests, which know them, must not be gone before."""
        old = difference["old releases"].actual if "old releases" in difference else []
        for image in sorted(self._images(system, old)):
            _remove_image(system, image)
        for name in old:
            system.remove(releases.directory(self.root, name))
        for name in difference["old files"].actual if "old files" in difference else []:
            system.remove("{}/config/{}".format(self.root, name))

    def _kept(self, system: System, in_use: Dict[str, List[str]]) -> Set[str]:
        current = releases.current(system, self.root)
        past = releases.past(releases.history(system, self.role), current)
        complete = [each["release"] for each in releases.manifests(system, self.root)]
        kept = set(past[-2:])
        for name in complete:
            if any(releases.compose_file(self.root, name) in it for it in in_use["files"]):
                kept.add(name)
        for name in [*reversed(past), *reversed(complete)]:
            if len(kept) >= self.keep:
                break
            if name in complete:
                kept.add(name)
        return kept

    def _images(self, system: System, old: List[str]) -> Set[str]:
        """Return the images that only old releases name."""
        stack, _, _ = self.root.rpartition("/")
        gone: Set[str] = set()
        needed: Set[str] = set()
        for role in system.listdir(stack):
            root = "{}/{}".format(stack, role)
            for each in releases.manifests(system, root):
                is_old = root == self.root and each["release"] in old
                (gone if is_old else needed).update(each["images"].values())
        return gone - needed


def _in_use(system: System) -> Dict[str, List[str]]:
    """Return the Compose files that containers were made from, and what they mount."""
    found: List[Dict[str, Any]] = Docker(system).get("/containers/json", {"all": 1})
    return {
        "files": [(each.get("Labels") or {}).get(_CONFIG_FILES, "") for each in found],
        "mounts": [it.get("Source", "") + "/" for each in found for it in each.get("Mounts") or ()],
    }


def _remove_image(system: System, image: str) -> None:
    try:
        Docker(system).delete("/images/" + image)
    except DockerError as error:
        if error.status not in _STILL_NEEDED:
            raise
