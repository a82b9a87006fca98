"""Gates in a rollout: a batch is done when it is healthy, and when they have opened."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provision.agent.resources.wait_for import WaitFor
from provision.engine.link import HostLink
from provision.engine.rollout.gates import Gate, gates_of
from provision.engine.rollout.undo import roles_in
from provision.errors import UnreachableError
from provision.playbook.model import Play
from provision.transport.endpoint import Endpoint
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.engine.run import Run

_HERE = "localhost"
_HINT = "it is healthy from inside: look at addresses, published ports and firewalls"
_TAIL = 15  # lines of a command's output that are shown when it fails


def pass_gates(run: Run, play: Play, batch: Sequence[str]) -> None:
    """Ask what a role's hosts in the inventory want to be asked; a gate that stays shut fails them.

    Args:
        run: in which the batch has become healthy.
        play: that rolls the role out.
        batch: its hosts; those that have failed are not asked about.

    """
    if run.options.check:
        return
    for role in roles_wanted(run, play):
        hosts = [host for host in batch if not run.is_out(host)]
        gates = {host: role_gates(run, role, host) for host in hosts}
        if any(gates.values()):
            run.phase(f"gate {role}", hosts, partial(_pass, run, role, gates))


def role_gates(run: Run, role: str, host: str) -> list[Gate]:
    """Return the gates of a role as one of its hosts has them."""
    return gates_of(role, {**run.fleet.context(host), **run.options.extra_vars})


def roles_wanted(run: Run, play: Play) -> list[str]:
    """Return the roles that the play rolls out in this run: tags may leave them out."""
    entries = (*play.pre_tasks, *play.tasks, *play.post_tasks)
    wanted = {
        it.parameters.get("role")
        for it in entries
        if it.action == "compose_project"
        and run.options.wants(frozenset(it.tags) | frozenset(play.tags))
    }
    return [role for role in roles_in(play) if role in wanted]


def _pass(run: Run, role: str, gates: dict[str, list[Gate]]) -> None:
    run.fleet.run_on(list(gates), lambda host: _ask_of(run, host, gates[host]))
    for gate in _commands(gates):
        hosts = [host for host in gates if not run.is_out(host)]
        if hosts:
            result = _command(run, gate, role, hosts)
            for host in hosts:
                _tell(run, host, gate, result)


def _commands(gates: dict[str, list[Gate]]) -> list[Gate]:
    """Return the commands, each once, whichever hosts of the batch have them."""
    every = [gate for each in gates.values() for gate in each if gate.kind == "command"]
    return list({gate.target: gate for gate in every}.values())


def _ask_of(run: Run, host: str, gates: Sequence[Gate]) -> None:
    """Ask of one host, until an answer is not the one that was wanted."""
    for gate in gates:
        if gate.kind != "command" and not run.is_out(host):
            _tell(run, host, gate, _asked(run, gate))


def _asked(run: Run, gate: Gate) -> Result:
    """Ask from everywhere at the same time; return the first answer that is not well, if any."""
    started = time.monotonic()
    if not gate.asked_by:
        answers = [("this machine", _here(gate.question()))]
    else:
        named = [host.name for host in run.inventory.match(gate.asked_by)]
        sources = [name for name in named if not run.is_out(name)]
        futures = [(name, _submitted(run, name, gate.question())) for name in sources]
        answers = [(name, _awaited(run, name, future)) for name, future in futures]
    seconds = time.monotonic() - started
    for name, result in answers:
        if result.status != "ok":
            message = f"asked by {name}: {result.message}"
            return replace(result, message=message, hint=result.hint or _HINT, seconds=seconds)
    if not answers:
        return Result("failed", message=f"no host of {gate.asked_by} is left that could ask")
    return Result("ok", message="open", seconds=seconds)


def _here(question: WaitFor) -> Result:
    """Ask from this machine, as whoever runs this."""
    link = HostLink(Endpoint(name=_HERE, address="", connection="local"))
    try:
        channel = link.channel(None)
        future = channel.submit(question)
        channel.flush()
        return future.result()
    finally:
        link.close()


def _submitted(run: Run, name: str, question: WaitFor) -> Future[Result]:
    """Let a host ask. It fails alone where it cannot be reached; nothing of its own is at stake."""
    try:
        channel = run.fleet.link(name).channel("root")
        future = channel.submit(question, keep_going=True)
        channel.flush()
    except UnreachableError as error:
        future = Future()
        future.set_exception(error)
    return future


def _awaited(run: Run, name: str, future: Future[Result]) -> Result:
    try:
        return future.result()
    except UnreachableError as error:
        if not run.is_out(name):
            run.fleet.lose(name, error)
        return Result("failed", message=error.message, hint=error.hint or "")


def _command(run: Run, gate: Gate, role: str, hosts: Sequence[str]) -> Result:
    """Run a gate's command here, in the project's directory."""
    started = time.monotonic()
    facts = {"RUN": run.id, "BY": run.info.by, "ROLE": role, "HOSTS": " ".join(hosts)}
    try:
        done = subprocess.run(
            gate.argv,
            env={**os.environ, **{f"PROVISION_{name}": value for name, value in facts.items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=gate.timeout,
            check=False,
        )
    except OSError as error:
        return Result("failed", message=f"{gate.argv[0]} cannot be run: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Result("failed", message=f"it had not ended after {gate.timeout:g} s")
    log = tuple(run.mask(done.stdout).splitlines()[-_TAIL:])
    seconds = time.monotonic() - started
    if done.returncode != 0:
        message = f"it exited with {done.returncode}"
        return Result("failed", message=message, log=log, seconds=seconds)
    return Result("ok", message=log[-1] if log else "open", seconds=seconds)


def _tell(run: Run, host: str, gate: Gate, result: Result) -> None:
    """Report what a gate said of a host; a shut one is the host's failure."""
    if result.status != "ok":
        run.failed.setdefault(host, f"{gate.name}: {result.message}")
    run.host(host).note(gate.name, result)
