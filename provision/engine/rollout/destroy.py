"""``provision destroy``: the stack gone from hosts, its data kept unless that is asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from provision.agent.resources.compose_down import ComposeDown
from provision.agent.resources.directory import Directory
from provision.agent.resources.history import History
from provision.engine.hooks import run_hook
from provision.engine.rollout.going_back import RoleState, States, look
from provision.engine.run import Run
from provision.errors import ExitCode
from provision.stack.roles import ROLES
from provision.tasks.host import Host

_DEPTH = 3  # parts of a path: nothing nearer to the root is anybody's data directory


def destroy(
    run: Run, hosts: Sequence[str], *, roles: Collection[str] = (), volumes: bool = False
) -> ExitCode | None:
    """Stop and remove what was deployed, the roles in the reverse order of a rollout.

    Args:
        run: reaches them.
        hosts: the targeted ones.
        roles: only these.
        volumes: whether the data goes, too: named volumes and the directories that services
            write to.

    """
    if not run.options.check and not run.locks.take_all(hosts, "destroy"):
        return None
    states = look(run, hosts, roles)
    if states is None:
        return None
    present = {role for found in states.values() for role in found}
    facts = {"ROLES": " ".join(sorted(present)), "VOLUMES": "yes" if volumes else "no"}
    run_hook(run, "pre-destroy", hosts, facts)
    for role in [*sorted(present - set(ROLES)), *(it for it in reversed(ROLES) if it in present)]:
        concerned = [host for host in hosts if role in states[host]]
        work = partial(_remove, run, states, role, concerned, volumes)
        if not run.phase(role, concerned, work):
            break
    code = run.exit_code()
    run_hook(run, "post-destroy", hosts, {**facts, "EXIT_CODE": str(int(code))})
    return code


def _remove(
    run: Run,
    states: States,
    role: str,
    hosts: Sequence[str],
    volumes: bool,
) -> None:
    def work(host: Host) -> None:
        state = states[host.name][role]
        if state.project is not None:
            host.apply(ComposeDown(project=state.project, volumes=volumes))
        for path in _data(state) if volumes else ():
            host.apply(Directory(path=path, state="absent"), name=f"data {path}")
        host.apply(Directory(path=state.root, state="absent"), name=f"releases {state.root}")
        host.apply(History(entry={**run.info.entry("destroy"), "role": role}), name="history")

    run.each(hosts, work)


def _data(state: RoleState) -> list[str]:
    """Return the directories that any kept release has written to."""
    named = {path for manifest in state.releases.values() for path in manifest["directories"]}
    return sorted(path for path in named if len(path.strip("/").split("/")) >= _DEPTH)
