"""The ``provision`` command: finds the command asked for, and only that one is imported."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
from typing import Any, NoReturn

import click

from provision import __version__
from provision.errors import ExitCode, ProvisionError

# What `provision --help` lists. Importing the commands to ask them would cost half a second.
COMMANDS = {
    "init": "Begin a project: an inventory to fill in, and what belongs beside it.",
    "bootstrap": "Make bare machines into hosts: a login to deploy with, and a role.",
    "deploy": "Prepare the hosts, roll the stack out, and verify it.",
    "play": "Run a playbook.",
    "history": "Show what was deployed where, when, and by whom.",
    "rollback": "Go back to what ran before.",
    "report": "Show a run of the past as a page of HTML.",
    "lock": "Show who is working on the hosts, or end it.",
    "destroy": "Remove the stack from its hosts; the data stays.",
    "verify": "Check that the hosts are as they should be.",
    "status": "Show what runs where, and how the training goes.",
    "gpu": "Ask which NVIDIA driver a machine would get.",
    "inventory": "Show hosts, groups and variables as Ansible would.",
    "build": "Build the images of your source.",
    "lab": "Real SSH hosts on this machine, to try things on.",
}

_GARBAGE_THRESHOLD = 50_000  # objects


class LazyGroup(click.Group):
    """A group whose commands live in ``provision.cli.<name>``, each an object ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a cluster's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"provision.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Suggest the nearest command for one that does not exist."""
        from provision.errors import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"there is no command {args[0]!r}" + (f"; {hint}" if hint else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="provision")
def cli() -> None:
    """Turn a list of machines into a running Generals RL training cluster.

    \b
    Exit codes: 0 fine, 1 usage, 2 changes pending (with --check), 3 a task failed,
    4 a host was unreachable, 5 verification failed, 130 interrupted.
    """


def main() -> NoReturn:
    """Run the command line and exit with one of ``ExitCode``.

    A terminal that is closed, and a request to end, count as Ctrl-C.
    """
    # Imports and templates make many objects and hardly any garbage; looking for it after every
    # 700 objects costs an eighth of a short run.
    gc.set_threshold(_GARBAGE_THRESHOLD)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, signal.default_int_handler)
    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """Exit at once: everything is closed.

    Python's own way out waits for threads, of which one may be connecting to a host that never
    answers, and looks for garbage again and again: a tenth of a second, for nobody.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code; errors are printed for a person."""
    try:
        result = cli.main(arguments, prog_name="provision", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except ProvisionError as error:
        click.echo(f"provision: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("provision: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    return result if isinstance(result, int) else ExitCode.OK
