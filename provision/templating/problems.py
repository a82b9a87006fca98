"""Turns what Jinja2 raises into errors that name the place and the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError

from provision.errors import Location, ProvisionError, UsageError, did_you_mean
from provision.templating.scope import Scope
from provision.templating.undefined import UndefinedVariable

_UNKNOWN = re.compile(r"No (filter|test) named '([^']+)'")


def raise_explained(
    error: Exception, environment: Environment, scope: Scope, where: Location | None
) -> NoReturn:
    """Raise ``error`` as a ``UsageError``; ``where`` is used if it does not show its own place."""
    if isinstance(error, ProvisionError):
        if error.where is not None:
            raise error
        message, hint = error.message, error.hint
    elif isinstance(error, UndefinedVariable):
        message, hint = error.marker.explain(scope)
        where = error.marker.where or _place(error, where, error.marker.name)
        raise UsageError(message, where=where, hint=hint) from error
    else:
        message, hint = _describe(error, environment)
    raise UsageError(message, where=_place(error, where), hint=hint) from error


def _describe(error: Exception, environment: Environment) -> tuple[str, str | None]:
    unknown = _UNKNOWN.match(str(error))
    if unknown:
        kind, name = unknown.groups()
        known = environment.filters if kind == "filter" else environment.tests
        return f"there is no {kind} {name!r}", did_you_mean(name, known)
    if isinstance(error, TemplateSyntaxError):
        return f"template syntax: {error.message}", None
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name!r} to include", None
    if isinstance(error, KeyError):
        return f"cannot render the template: there is no key {error}", None
    return f"cannot render the template: {error or type(error).__name__}", None


def _place(error: Exception, where: Location | None, name: str | None = None) -> Location | None:
    """Return the innermost line of a template file that ``error`` passed through."""
    found: tuple[str, int] | None = None
    if isinstance(error, TemplateSyntaxError) and error.filename:
        found = (error.filename, error.lineno)
    traceback = error.__traceback__
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and Path(template.filename or "").is_absolute():
            found = (template.filename, template.get_corresponding_lineno(traceback.tb_lineno))
        traceback = traceback.tb_next
    if found is None:
        return where
    return Location(*found, _column(*found, name))


def _column(path: str, line: int, name: str | None) -> int | None:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if name is None or line > len(lines):
        return None
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", lines[line - 1])
    return match.start() + 1 if match else None
