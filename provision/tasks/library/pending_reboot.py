"""The reboot that a host waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.agent.boot import CHECKPOINT
from provision.agent.resources.cdi_specification import CdiSpecification
from provision.agent.resources.compose_start import ComposeStart
from provision.agent.resources.compose_stop import ComposeStop
from provision.agent.resources.execute import Execute
from provision.agent.resources.file import File
from provision.agent.resources.gpus_answer import GpusAnswer
from provision.agent.resources.history import History
from provision.agent.resources.reboot_checkpoint import RebootCheckpoint
from provision.agent.resources.reboot_status import RebootStatus
from provision.agent.resources.releases import Releases
from provision.errors import TaskError
from provision.stack.roles import ROLES
from provision.stack.variables import templater_for
from provision.tasks.gpus import gpus_of
from provision.tasks.host import Host
from provision.tasks.rebooting import Rebooting, await_units, reboot
from provision.tasks.task import task
from provision.transport.result import Result

_UNITS = 180.0  # seconds for everything that starts at boot


@task
def pending_reboot(host: Host, *, timeout: float = 900, distribution: bool = False) -> None:
    """Reboot the host if something that was changed needs it, and see to what ran on it.

    Services are stopped before, those that ask others first, each with its grace period, and are
    started again after the GPUs have been found in order. All of that is written down on the host
    as it goes: whoever comes after an interruption goes on from there.

    Args:
        timeout: seconds until the host can be reached again.
        distribution: whether ``/run/reboot-required`` of Debian and Ubuntu counts, too.

    """
    status = host.ask(RebootStatus(distribution=distribution), name="status")
    begun = status["checkpoint"]
    if begun is not None and begun["boot"] != status["boot"] and not status["reason"]:
        _complete(host, begun)
        return
    reason = status["reason"] or (begun["reason"] if begun else "")
    if reason and _is_wanted(host, reason):
        _drain(host, reason)
        _reboot(host, reason, timeout)
        _complete(host, host.ask(RebootStatus(), name="status")["checkpoint"])


def _is_wanted(host: Host, reason: str) -> bool:
    """Tell whether to do it now; else say what is pending."""
    if not host.run.may_reboot:
        host.note("reboot", Result("skipped", message=f"reboot pending: {reason}"))
        host.run.notes.append(
            f"pending   {host.name}: reboot: {reason} (deploy again without --no-reboot)"
        )
        return False
    if host.check:
        host.note("reboot", Result("changed", message=f"would reboot: {reason}"), planned=True)
        return False
    return True


def _drain(host: Host, reason: str) -> None:
    projects = _projects(host)
    gpus = len(gpus_of(host.facts))
    host.apply(
        RebootCheckpoint(reason=reason, gpus=gpus, projects=projects), name="write it down"
    ).result()
    for project in projects:
        host.apply(ComposeStop(project=project))


def _projects(host: Host) -> list[str]:
    """Return Compose's names of what was deployed here; who asks goes before who is asked."""
    stack = str(templater_for(host.variables, None).render("{{ stack_root }}"))
    roles: Mapping[str, Any] = host.ask(Releases(stack=stack), name="releases")["roles"]
    order = sorted(roles, key=lambda role: -ROLES.index(role) if role in ROLES else 1)
    newest = [roles[role]["releases"][-1:] for role in order]
    return [str(manifest["project"]) for found in newest for manifest in found]


def _reboot(host: Host, reason: str, timeout: float) -> None:
    how = Rebooting(message=f"provision: {reason}", timeout=timeout)
    host.note("reboot", reboot(host, how, name="reboot"))


def _complete(host: Host, begun: Mapping[str, Any]) -> None:
    """Look at the GPUs, start again what ran before, and forget about the reboot."""
    if host.check:
        host.note("reboot", Result("changed", message="would complete a reboot"), planned=True)
        return
    await_units(host, _UNITS)
    host.forget()
    _verify_gpus(host, int(begun["gpus"]))
    for project in reversed(begun["ran"]):
        host.apply(ComposeStart(project=project, services=begun["ran"][project]))
    entry = {**host.run.entry("reboot"), "role": "", "reason": begun["reason"]}
    host.apply(History(entry=entry), name="history")
    host.apply(File(path=CHECKPOINT, state="absent"), name="reboot is complete")


def _verify_gpus(host: Host, before: int) -> None:
    found = len(gpus_of(host.facts))
    if found < before:
        raise TaskError(
            f"host {host.name}: {found} of {before} GPUs came back from the reboot",
            hint="lspci -d 10de:; a GPU that is gone from the bus needs a power cycle or a repair",
        )
    host.ask(GpusAnswer(count=found), name="GPUs answer")
    toolkit = host.ask(Execute(command="command -v nvidia-ctk"), name="container toolkit")
    if found and toolkit["rc"] == 0:
        host.apply(CdiSpecification(), name="CDI specification")
