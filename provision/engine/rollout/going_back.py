"""Bringing a host back to a release that it has kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from provision.agent.resources.current_release import CurrentRelease
from provision.agent.resources.docker_image import DockerImage
from provision.agent.resources.releases import Releases
from provision.errors import TaskError
from provision.stack.release import running_again
from provision.stack.variables import templater_for
from provision.tasks.deployed import Deployed
from provision.tasks.host import Host

if TYPE_CHECKING:
    from provision.engine.run import Run


class RoleState(NamedTuple):
    """A role on a host: what runs, what was before, and how that came about."""

    role: str
    root: str
    current: str
    past: list[str]  # ids, the current one last
    releases: Mapping[str, Mapping[str, Any]]  # id -> manifest, the oldest first
    history: list[dict[str, Any]]  # its lines, the oldest first

    @property
    def project(self) -> str | None:
        """Compose's name of the project, None where no release is complete."""
        return next((str(it["project"]) for it in reversed([*self.releases.values()])), None)

    @property
    def images(self) -> Mapping[str, str]:
        """The current release's images: as the template named them -> as they were pulled."""
        found: Mapping[str, str] = self.releases.get(self.current, {}).get("images", {})
        return found


States = Mapping[str, Mapping[str, RoleState]]  # host -> role -> state


def look(run: Run, hosts: Sequence[str], roles: Collection[str]) -> States | None:
    """Ask all hosts for the state of their roles; only the named ones, where any are.

    Returns None where a host has not answered, and the run must not go on.
    """
    states: dict[str, dict[str, RoleState]] = {}

    def ask(host: Host) -> None:
        found = roles_on(host)
        states[host.name] = {role: it for role, it in found.items() if not roles or role in roles}

    return states if run.phase("look", hosts, lambda: run.each(hosts, ask)) else None


def stack_directory(variables: Mapping[str, Any]) -> str:
    """Return the directory of all roles on the host with these variables."""
    return str(templater_for(variables, None).render("{{ stack_root }}"))


def roles_on(host: Host) -> dict[str, RoleState]:
    """Ask a host for the state of all roles that it knows."""
    answer = host.ask(Releases(stack=stack_directory(host.variables)), name="releases")
    return role_states(answer)


def role_states(answer: Mapping[str, Any]) -> dict[str, RoleState]:
    """Read the answer to ``Releases``."""
    return {
        role: RoleState(
            role=role,
            root=found["root"],
            current=found["current"],
            past=found["past"],
            releases={each["release"]: each for each in found["releases"]},
            history=[line for line in answer["history"] if line.get("role") == role],
        )
        for role, found in answer["roles"].items()
    }


def kept(host: str, state: RoleState, release: str) -> Mapping[str, Any]:
    """Return the manifest of a release that a host can still start.

    Raises:
        TaskError: it is not there any more, or not complete.

    """
    manifest = state.releases.get(release)
    if manifest is None or manifest["missing"]:
        what = "is gone" if manifest is None else f"lacks {manifest['missing'][0]}"
        known = ", ".join(it for it in state.releases if it != state.current) or "none"
        raise TaskError(
            f"host {host}: release {release} of {state.role} {what}",
            hint=f"other releases that are kept there: {known}",
        )
    return manifest


def go_to(host: Host, state: RoleState, release: str, action: str) -> None:
    """Start a kept release, wait until it is well, and make it the current one.

    Raises:
        TaskError: it is not there any more, or not complete.
        HostFailedError: it does not become well.

    """
    manifest = kept(host.name, state, release)
    if manifest["images"]:
        host.apply(DockerImage(name=sorted(manifest["images"].values())))
    host.apply(running_again(manifest, state.root))
    current = host.apply(
        CurrentRelease(
            root=state.root, role=state.role, release=release, entry=host.run.entry(action)
        ),
        name="current release",
    )
    host.deployed(current, Deployed(state.role, release, manifest["images"]))
