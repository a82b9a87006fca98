"""From a template and a host's variables to a Compose project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provision.errors import Location, UsageError, did_you_mean
from provision.source import parse_yaml, plain
from provision.stack.files import ConfigTree
from provision.stack.model import ComposeProject, ConfigFile, DataDirectory, canonical, images_of
from provision.stack.mounts import data_directories, rewrite_sources
from provision.stack.variables import template_directories, templater_for
from provision.templating import Templater

__all__ = ["ComposeProject", "ConfigFile", "DataDirectory", "render_role"]

ROLE_LABEL = "io.provision.role"
_NO_DEFAULT = re.compile(r"the variable '(\w+_(?:image|password))' is not defined")
_SUFFIX = ".yml.j2"


def render_role(
    role: str, variables: Mapping[str, object], *, project: Path | None = None
) -> ComposeProject:
    """Render ``templates/compose/<role>.yml.j2`` and the files that it mounts, for one host.

    Args:
        role: the template's name.
        variables: the host's, with ``inventory_hostname``, ``groups`` and ``hostvars``.
        project: the user's directory; the current one when None.

    Raises:
        UsageError: no such template, an undefined variable, YAML or a mount that cannot be meant.

    """
    template = _template(role, project)
    try:
        return _render(role, template, variables, project)
    except UsageError as error:
        raise _advised(error, template) from error


def _render(
    role: str, template: Path, variables: Mapping[str, object], project: Path | None
) -> ComposeProject:
    templater = templater_for(variables, project)
    where = Location(str(template))
    model = _model(templater, template)
    root = f"{templater.render('{{ stack_root }}')}/{role}"
    tree = ConfigTree(role, f"{root}/config", templater, _options(model, where), where)
    services = {name: _service(body, role, tree) for name, body in _services(model, where).items()}
    final = _without_extensions(model) | {
        "name": model.get("name", f"generals-{role.replace('_', '-')}"),
        "services": services,
    }
    return ComposeProject(
        role=role,
        name=final["name"],
        model=final,
        text=canonical(final),
        files=tuple(sorted(tree.files.values(), key=lambda file: (file.path, file.dest))),
        images=images_of(final),
        directories=tuple(data_directories(services, where)),
        source=str(template),
        root=root,
    )


def _template(role: str, project: Path | None) -> Path:
    directories = [path / "compose" for path in template_directories(project)]
    for directory in directories:
        path = directory / f"{role}{_SUFFIX}"
        if path.is_file():
            return path
    known = {p.name.removesuffix(_SUFFIX) for d in directories for p in d.glob(f"[!_]*{_SUFFIX}")}
    raise UsageError(
        f"there is no role {role!r}: no templates/compose/{role}{_SUFFIX}",
        hint=did_you_mean(role, known),
    )


def _model(templater: Templater, template: Path) -> dict[str, Any]:
    text = templater.render_file(template)
    model = plain(parse_yaml(text, f"{template} (as rendered)"))
    if not isinstance(model, dict):
        raise UsageError("does not render to a mapping", where=Location(str(template)))
    return model


def _advised(error: UsageError, template: Path) -> UsageError:
    """Return the error about a variable that only the user can know, with what to do."""
    missing = _NO_DEFAULT.search(error.message)
    if missing is None:
        return error
    in_macro = error.where is None or error.where.path.endswith("_stack.j2")
    return UsageError(
        error.message,
        where=Location(str(template)) if in_macro else error.where,
        hint=f"set {missing[1]} in the inventory; the head of templates/compose/defaults.yml "
        "lists the variables that have no default",
    )


def _services(model: dict[str, Any], where: Location) -> dict[str, dict[str, Any]]:
    services = model.get("services")
    if not isinstance(services, dict) or not services:
        raise UsageError("renders to a Compose file without services", where=where)
    for name, service in services.items():
        if not isinstance(service, dict):
            raise UsageError(f"the service {name!r} is not a mapping", where=where)
    return services


def _options(model: dict[str, Any], where: Location) -> dict[str, dict[str, Any]]:
    """Return ``x-files``; an unknown key there could leave a secret readable for everybody."""
    options = model.get("x-files") or {}
    for path, entry in options.items():
        if not isinstance(entry, dict) or set(entry) - {"secret"}:
            raise UsageError(
                f"x-files: {path}: must be a mapping with the key `secret`", where=where
            )
    return dict(options)


def _service(body: dict[str, Any], role: str, tree: ConfigTree) -> dict[str, Any]:
    service = rewrite_sources(body, tree.place)
    service["labels"] = {**_labels(service.get("labels")), ROLE_LABEL: role}
    return service


def _labels(labels: object) -> dict[str, Any]:
    """Return labels as a mapping; Compose also takes a list of ``name=value``."""
    if isinstance(labels, dict):
        return labels
    pairs = (str(label).partition("=") for label in labels) if isinstance(labels, list) else ()
    return {name: value for name, _, value in pairs}


def _without_extensions(model: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if not str(key).startswith("x-")}
