"""Rebooting a host and finding it again."""

from __future__ import annotations

import time
from dataclasses import dataclass

from provision.agent.resources.execute import Execute
from provision.agent.resources.reboot import BootId, Reboot
from provision.tasks.host import Host
from provision.tasks.line import await_another_boot, said_last
from provision.tasks.manner import Manner
from provision.transport.result import Result

_FAREWELL = 30.0  # seconds in which the host says that it goes down, beside its own delay


@dataclass(frozen=True, kw_only=True)
class Rebooting:
    """How a host is rebooted.

    Args:
        message: for users that are logged in.
        timeout: seconds until it can be reached again, and as long again for ``test_command``.
        before: seconds to wait before.
        after: seconds to wait when it is back.
        command: what reboots, instead of ``shutdown -r now``.
        test_command: has to succeed before anything else is done.

    """

    message: str = ""
    timeout: float = 600
    before: float = 0
    after: float = 0
    command: str | None = None
    test_command: str | None = None


def reboot(host: Host, how: Rebooting, *, name: str, manner: Manner | None = None) -> Result:
    """Reboot a host, find it again, and return what became of it; check mode only says so.

    The kernel's boot id is the proof: a host that answers has not necessarily gone down yet.

    Args:
        host: which.
        how: see there.
        name: of the step, for reports.
        manner: of the entry that asks for it.

    Raises:
        UnreachableError: it did not come back in time.
        HostFailedError: something before it has failed.

    """
    if host.line.is_local:
        return Result(
            "failed",
            message="this machine runs the play, so it cannot be rebooted by it",
            hint="reboot it by hand, or run this from another machine",
        )
    started = time.monotonic()
    first = host.attempt(BootId(), manner or Manner(), name=name)
    if first.status != "ok":
        return first
    if host.is_planned(manner):
        return Result("changed", message="would reboot", data={"rebooted": True, "elapsed": 0})
    boot = str(first.data["boot"])
    wish = Reboot(since=boot, message=how.message, delay=how.before, command=how.command)
    answer = said_last(host.line, host.become, wish, _FAREWELL + how.before)
    if answer.status in {"failed", "cancelled", "not_run"}:
        return answer
    _find_again(host, how, boot, name)
    problem = _test(host, how, manner or Manner(), name)
    elapsed = round(time.monotonic() - started)
    data = {"rebooted": True, "elapsed": elapsed}
    return problem or Result("changed", message=f"rebooted in {elapsed} s", data=data)


def _find_again(host: Host, how: Rebooting, boot: str, name: str) -> None:
    def tell(passed: float) -> None:
        host.progress(name, int(passed), int(how.timeout), "s")

    await_another_boot(host.line, host.become, boot, host.name, how.timeout, tell)
    host.forget()
    host.line.opened(host)  # what was held there has ended with the boot
    host.wait()
    host.line.pause(how.after)


def _test(host: Host, how: Rebooting, manner: Manner, name: str) -> Result | None:
    """Wait until the test succeeds; return a failure where it does not in time."""
    if how.test_command is None:
        return None
    deadline = time.monotonic() + how.timeout
    while True:
        done = host.attempt(Execute(command=how.test_command, timeout=60), manner, name=name)
        if done.status == "ok" and done.data["rc"] == 0:
            return None
        if time.monotonic() > deadline:
            return Result(
                "failed",
                message=f"{how.test_command} did not succeed after the reboot",
                log=tuple(str(done.data.get("stderr", "") or done.message).splitlines()[-15:]),
            )
        host.line.pause(1.0)


def await_units(host: Host, timeout: float) -> None:
    """Wait until systemd has started everything, or given up on some of it; at most so long."""
    bounded = f"timeout {timeout:.0f} systemctl is-system-running --wait"
    host.ask(Execute(command=bounded, timeout=timeout + 10), name="wait for its units")
