"""The page: a template, a style and a script, all of it in one file.

Nothing is loaded from anywhere. Text of hosts is escaped by the template; should that ever fail,
the page's own policy lets no script run but this one, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from provision import __version__
from provision.report.html.changes import changes
from provision.report.html.checks import suites
from provision.report.html.problems import problems
from provision.report.html.record import Record
from provision.report.html.releases import roles
from provision.report.html.timeline import timeline
from provision.report.html.verdict import verdict
from provision.report.recap import trouble
from provision.report.text import clean, duration

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent
_VERSIONS = ("system", "kernel", "docker", "gpu")


def render(record: Record) -> str:
    """Return the page of a run."""
    from markupsafe import Markup

    style, script = _text("page.css"), _text("page.js")
    used = {name for it in record.described.values() for name in it.versions}
    return _template().render(
        record=record,
        verdict=verdict(record),
        timeline=timeline(record),
        changes=changes(record),
        problems=problems(record),
        suites=suites(record),
        roles=roles(record),
        notes=[_note(note) for note in record.finished.notes] if record.finished else [],
        versions=[name for name in _VERSIONS if name in used],
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=_hash(script),
        began=_moment(record.started.at),
        program=f"provision {__version__}",
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clean": clean, "duration": duration, "trouble": trouble}
    return environment.get_template("page.html.j2")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return what Content-Security-Policy calls a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _note(text: str) -> tuple[str, str]:
    """Return a note's label and its text: ``undone    h1 is back …``."""
    label, separator, rest = text.partition("  ")
    return (clean(label), clean(rest)) if separator else ("", clean(text))
