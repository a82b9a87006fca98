"""Options that several commands share, and what they amount to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provision.engine.options import DEFAULT_FORKS, RunOptions

if TYPE_CHECKING:
    from provision.engine.run import Run
    from provision.errors import ExitCode, ProvisionError
    from provision.inventory.inventory import Inventory

_Command = TypeVar("_Command", bound=Callable[..., Any])

_HOSTS = (
    click.option(
        "-i",
        "--inventory",
        "sources",
        multiple=True,
        required=True,
        metavar="SOURCE",
        help="YAML file, directory of them, or 'host1,host2'; may be repeated.",
    ),
    click.option("-l", "--limit", metavar="PATTERN", help="Only these hosts; '@file' reads names."),
)
_VARIABLES = (
    click.option(
        "-e",
        "--extra-vars",
        multiple=True,
        metavar="VARS",
        help="key=value, '{\"key\": 1}' or @file.yml; may be repeated.",
    ),
    click.option(
        "--vault-password-file",
        type=click.Path(path_type=Path),
        help="File with the password of !vault values [env: ANSIBLE_VAULT_PASSWORD_FILE].",
    ),
)
_CLOUDS = (
    click.option(
        "--flush-cache",
        is_flag=True,
        help="Ask clouds for their hosts, however recent the answer kept from before.",
    ),
)
_SOURCES = (*_HOSTS, *_VARIABLES, *_CLOUDS)
_USER = (
    click.option("-u", "--user", "ssh_user", metavar="NAME", help="Login, where none is given."),
)
_LOGIN = (
    click.option("-k", "--ask-pass", is_flag=True, help="Ask for the login password."),
    click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the sudo password."),
    click.option(
        "--accept-new-host-keys",
        is_flag=True,
        help="Remember the keys of hosts never seen before. Changed keys are refused always.",
    ),
    click.option(
        "-f",
        "--forks",
        type=click.IntRange(1),
        default=DEFAULT_FORKS,
        show_default=True,
        help="How many hosts to work on at the same time.",
    ),
)
_VIEW = (
    click.option("--json", "as_json", is_flag=True, help="Print events, one JSON object a line."),
    click.option("-v", "--verbose", count=True, help="-v names what is right, -vv shows output."),
)
_PLAN = (
    click.option("-C", "--check", is_flag=True, help="Change nothing; exit 2 if something would."),
    click.option("-D", "--diff", is_flag=True, help="Show what changes, line by line."),
)
_CHANGES = (
    *_PLAN,
    click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only entries tagged so."),
    click.option("--skip-tags", multiple=True, metavar="TAGS", help="No entries tagged so."),
)


_LOCKS = (
    click.option(
        "--lock-wait",
        type=click.FloatRange(0),
        default=0,
        metavar="SECONDS",
        help="Wait so long for hosts that another run is working on.",
    ),
)


_REPORT = (
    click.option(
        "--report",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write what happened as a page of HTML that needs nothing else.",
    ),
)


def source_options(command: _Command) -> _Command:
    """Add the options that say which hosts there are, and with which variables."""
    return _decorate(command, _SOURCES)


def inventory_options(command: _Command) -> _Command:
    """Add the options that say which hosts, how to log in, and what to print."""
    return _decorate(command, (*_SOURCES, *_USER, *_LOGIN, *_VIEW))


def bootstrap_options(command: _Command) -> _Command:
    """Add the options of a command that names its hosts itself."""
    return _decorate(command, (*_VARIABLES, *_LOGIN, *_VIEW, *_PLAN))


def change_options(command: _Command) -> _Command:
    """Add the options of commands that change hosts."""
    return _decorate(command, _CHANGES)


def lock_options(command: _Command) -> _Command:
    """Add the options of commands that need the hosts for themselves."""
    return _decorate(command, _LOCKS)


def report_options(command: _Command) -> _Command:
    """Add the option of commands whose run is worth a page."""
    return _decorate(command, _REPORT)


def _decorate(command: _Command, options: Sequence[Callable[[Any], Any]]) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the shared options of one command line say."""

    sources: tuple[str, ...] = ()
    limit: str | None = None
    extra_vars: tuple[str, ...] = ()
    vault_password_file: Path | None = None
    flush_cache: bool = False
    ssh_user: str | None = None
    ask_pass: bool = False
    ask_become_pass: bool = False
    accept_new_host_keys: bool = False
    forks: int = DEFAULT_FORKS
    as_json: bool = False
    verbose: int = 0
    check: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    lock_wait: float = 0
    push_images: bool = False
    no_reboot: bool = False
    keep_roles: bool = False
    report: Path | None = None

    def load(self) -> tuple[Inventory, RunOptions]:
        """Read the inventory, and ask for the passwords that are to be asked for."""
        from provision.inventory.extra_vars import parse_extra_vars
        from provision.inventory.inventory import Inventory
        from provision.inventory.vault import read_vault_password

        vault = read_vault_password(self.vault_password_file)
        extra_vars = parse_extra_vars(self.extra_vars, vault_password=vault)
        inventory = Inventory.load(
            self.sources, extra_vars=extra_vars, vault_password=vault, fresh=self.flush_cache
        )
        return inventory, self.run_options(extra_vars)

    def run_options(self, extra_vars: Mapping[str, object]) -> RunOptions:
        """Return how the run is to be done, with the passwords that are to be asked for."""
        login = _ask("SSH password") if self.ask_pass else None
        become = _ask("sudo password", default=login) if self.ask_become_pass else None
        return RunOptions(
            check=self.check,
            forks=self.forks,
            limit=self.limit,
            tags=_names(self.tags),
            skip_tags=_names(self.skip_tags),
            accept_new_host_keys=self.accept_new_host_keys,
            login_password=login,
            become_password=become,
            ssh_user=self.ssh_user,
            extra_vars=extra_vars,
            lock_wait=self.lock_wait,
            push_images=self.push_images,
            no_reboot=self.no_reboot,
            keep_roles=self.keep_roles,
            verbosity=self.verbose,
        )

    def run(
        self,
        command: str,
        inventory: Inventory,
        options: RunOptions,
        hosts: Sequence[str],
        work: Callable[[Run], ExitCode | None],
    ) -> int:
        """Do ``work`` as a run on ``hosts``: shown on the terminal, recorded in ``.provision/``."""
        from provision.engine.events import EventBus
        from provision.engine.run import Run
        from provision.report import RUNS, RunLog, make_listener, make_reports

        for warning in inventory.warnings():
            click.echo(f"warning: {warning}", err=True)
        reports = make_reports(self.report)
        log = RunLog(RUNS)
        view = make_listener(
            json=self.as_json,
            verbosity=self.verbose,
            diff=self.diff,
            check=self.check,
            stream=sys.stdout,
            is_terminal=sys.stdout.isatty(),
        )
        try:
            run = Run(command, inventory, options, EventBus(log, *reports, view), hosts)
            return run.perform(work)
        finally:
            for listener in (view, *reports, log):
                listener.close()


def report_problems(problems: Mapping[str, ProvisionError]) -> ExitCode:
    """Say which hosts gave no answer and why; return the exit code that this amounts to."""
    from provision.errors import ExitCode

    for problem in problems.values():
        click.echo(f"provision: {problem}", err=True)
    codes = {problem.exit_code for problem in problems.values()}
    return ExitCode.FAILED if ExitCode.FAILED in codes else max(codes, default=ExitCode.OK)


def _names(values: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip() for value in values for name in value.split(",") if name.strip())


def _ask(what: str, default: str | None = None) -> str:
    prompt = what if default is None else f"{what} [as before]"
    answer: str = click.prompt(
        prompt, hide_input=True, default=default or "", show_default=False, err=True
    )
    return answer
