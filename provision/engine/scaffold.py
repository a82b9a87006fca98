"""A new project directory: an inventory to fill in, and what belongs beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from provision.errors import UsageError
from provision.project import defaults_root

INVENTORY = "inventory/prod.yml"
_EXAMPLE = "inventory/example"
_IN_EXAMPLE = {
    "inventory/example/hosts.yml": INVENTORY,
    "inventory/example/": "inventory/",
}
_GITIGNORE = """\
# What runs leave behind: event logs of every command.
.provision/
# Keys of `provision lab`.
.lab/
# Secrets: encrypt values with `ansible-vault encrypt_string`, and keep the password elsewhere.
*vault-password*
*.key
*.pem
.env
"""
_README = f"""\
# Our cluster

Deployed with `provision`.

| | |
|---|---|
| `{INVENTORY}` | the machines, and their roles |
| `inventory/group_vars/` | images, secrets and settings, of all hosts and of each role |
| `templates/`, `playbooks/` | where they exist: they win over the shipped files of the same names |
| `hooks/` | where it exists: programs that run before and after deploys |

    provision bootstrap gpu-01=ubuntu@203.0.113.11 --role trainer --write {INVENTORY}
    provision inventory -i {INVENTORY} --graph           # which hosts there are
    export REDIS_PASSWORD=… GRAFANA_ADMIN_PASSWORD=… REGISTRY_PASSWORD=…
    provision deploy -i {INVENTORY} --check --diff       # what would change; exit code 2: something
    provision deploy -i {INVENTORY}                      # prepare, roll out, verify; safe to repeat
    provision status -i {INVENTORY}
"""


def write_project(directory: Path, *, templates: bool) -> dict[str, bool]:
    """Write a project's files, those that are not there yet.

    Args:
        directory: made where it is missing.
        templates: whether the shipped templates and playbooks are copied, to be changed.

    Returns:
        Each file's path in the directory, and whether it was written now.

    Raises:
        UsageError: something cannot be written.

    """
    try:
        return {
            name: _write(directory / name, content) for name, content in _files(templates=templates)
        }
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None


def _files(*, templates: bool) -> Iterator[tuple[str, str | Path]]:
    """Yield each file's path, and its text or the file to copy."""
    root = defaults_root()
    for source in _below(root / _EXAMPLE):
        name, text = source.relative_to(root).as_posix(), source.read_text(encoding="utf-8")
        yield _renamed(name), _renamed(text)
    for folder in ("templates", "playbooks") if templates else ():
        for source in _below(root / folder):
            yield source.relative_to(root).as_posix(), source
    yield ".gitignore", _GITIGNORE
    yield "README.md", _README


def _below(directory: Path) -> Iterator[Path]:
    yield from sorted(path for path in directory.rglob("*") if path.is_file())


def _renamed(text: str) -> str:
    for old, new in _IN_EXAMPLE.items():
        text = text.replace(old, new)
    return text


def _write(path: Path, content: str | Path) -> bool:
    """Write a file, unless something stands there."""
    if path.exists() or path.is_symlink():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    return True
