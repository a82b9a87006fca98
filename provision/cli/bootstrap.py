"""``provision bootstrap``: one-off hosts, without an inventory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provision.cli.options import Settings, bootstrap_options

if TYPE_CHECKING:
    from provision.engine.bootstrap.targets import Target
    from provision.transport.identity import Identity


@click.command("bootstrap")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Prepare it for this role.")
@click.option(
    "--user", default="deploy", show_default=True, help="The account that deploys will log in as."
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.pub",
    help="Public key to install; may be repeated. [default: the one that you log in with]",
)
@click.option(
    "--private-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Key for the first login, beside those that ssh would try.",
)
@click.option(
    "--close-password-login",
    "close",
    is_flag=True,
    help="Let sshd take keys alone, and root's not at all, once the new login has been tried.",
)
@click.option(
    "--write",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add the hosts to this YAML inventory, whose variables count from the start.",
)
@bootstrap_options
@click.pass_context
def command(
    context: click.Context,
    /,
    targets: tuple[str, ...],
    roles: tuple[str, ...],
    user: str,
    keys: tuple[Path, ...],
    private_key: Path | None,
    close: bool,
    file: Path | None,
    **given: Any,
) -> None:
    """Make bare machines into hosts: an account to deploy with, and all that a role needs.

    TARGET is [NAME=][user@]host[:port], a name of ssh_config, or localhost. The first login is the
    one named there, with a key, or with a password (--ask-pass). The new one is tried before the
    old one is closed, and once more after. What runs on the host is left to `provision deploy`.
    """
    from provision.engine.bootstrap.bootstrap import Bootstrap, bootstrap, preparing_plays
    from provision.engine.bootstrap.inventory import Newcomers
    from provision.engine.bootstrap.targets import check_request, parse_targets
    from provision.inventory.extra_vars import parse_extra_vars
    from provision.inventory.vault import read_vault_password

    parsed = parse_targets(targets)
    check_request(parsed, roles=roles, user=user, close=close)
    own = private_key.expanduser() if private_key is not None else None
    identities = {it.name: _identities(it, keys, own) for it in parsed if not it.is_local}
    settings = Settings(**given)
    vault = read_vault_password(settings.vault_password_file)
    extra_vars = parse_extra_vars(settings.extra_vars, vault_password=vault)
    newcomers = Newcomers(
        targets={target.name: target for target in parsed},
        roles=tuple(dict.fromkeys(roles)),
        user=user,
        key_files=_key_files(parsed, identities),
        file=file,
        vault_password=vault,
    )
    inventory = newcomers.inventory(extra_vars)
    plays, directory = preparing_plays() if roles else ((), Path())
    what = Bootstrap(
        newcomers=newcomers,
        keys={name: [each.public for each in mine] for name, mine in identities.items()},
        private_key=own,
        close=close,
        plays=plays,
        directory=directory,
    )
    options = settings.run_options(extra_vars)
    code = settings.run(
        "bootstrap",
        inventory.with_playbook(directory) if roles else inventory,
        options,
        list(newcomers.targets),
        lambda run: bootstrap(run, what),
    )
    context.exit(code)


def _identities(target: Target, keys: tuple[Path, ...], own: Path | None) -> list[Identity]:
    """Return the keys to install: those given, else the one of the first login."""
    from provision.transport.identity import default_identity, own_identity, require_usable

    mine = [own_identity(own)] if own is not None else []  # refused now rather than by the host
    return require_usable(keys) if keys else mine or [default_identity(target.address)]


def _key_files(targets: list[Target], identities: dict[str, list[Identity]]) -> dict[str, Path]:
    """Return the private keys that a login would not try without being told to."""
    from provision.transport.identity import tried_for

    files = {}
    for target in targets:
        private = [each.private for each in identities.get(target.name, []) if each.private]
        if private and not set(private) & set(tried_for(target.address)):
            files[target.name] = private[0]
    return files
