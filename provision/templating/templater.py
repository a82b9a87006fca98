"""The one door to templates: values, files and conditions, rendered for one host."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import Location, UsageError
from provision.source import location_of
from provision.templating.markers import OMIT, has_template

if TYPE_CHECKING:
    from provision.templating.environment import Engine
    from provision.templating.scope import Scope


class Templater:
    """Renders templates with the variables of one host.

    Making one costs next to nothing: compiled templates are shared by all of them. It may be used
    from many threads, as long as ``variables`` is not changed meanwhile.

    Args:
        variables: names and values. Strings read from YAML (``LocatedString``) may be templates
            themselves; they are rendered when an expression uses them. Plain strings are data.
        search: directories for ``lookup('file')``, ``lookup('template')`` and ``{% include %}``;
            in each, ``files/`` or ``templates/`` is looked into first, as Ansible does.

    """

    def __init__(self, variables: Mapping[str, object], *, search: Sequence[Path] = ()) -> None:
        self.variables = variables
        self.search = tuple(search)

    def view(self) -> Mapping[str, object]:
        """Return the variables, each rendered when it is looked at.

        This is what belongs into another host's ``hostvars``: expressions there then see this
        host's values, rendered with this host's variables.
        """
        return self._scope()

    def render(self, value: object, where: Location | None = None) -> object:
        """Return ``value`` with every template in it rendered.

        A string that is one ``{{ expression }}`` takes the expression's type, others stay text.
        Entries whose value is ``omit`` are left out of mappings and lists; a bare ``omit`` comes
        back as ``OMIT``. Keys of mappings are not rendered.

        Args:
            value: a scalar, mapping or list; only strings in it change.
            where: the place to name in errors, for strings that do not know their own.

        Raises:
            UsageError: a syntax error, an undefined variable, a failing filter.

        """
        if isinstance(value, str):
            if not has_template(value):
                return value
            return self.engine().render_value(value, self._scope(), location_of(value) or where)
        if isinstance(value, dict):
            rendered = ((key, self.render(item, where)) for key, item in value.items())
            return {key: item for key, item in rendered if item is not OMIT}
        if isinstance(value, list | tuple):
            items = (self.render(item, where) for item in value)
            return [item for item in items if item is not OMIT]
        return value

    def render_text(self, value: str, where: Location | None = None) -> str:
        """Render ``value`` and return the result as text, whatever its type."""
        result = self.render(value, where)
        return "" if result is None else str(result)

    def render_file(self, path: Path) -> str:
        """Return the rendered text of a template file, as Ansible's ``template`` module makes it.

        Args:
            path: the file; a relative one that does not exist is searched for in ``search``.

        Raises:
            UsageError: naming the template's line.

        """
        found = path if path.exists() else self.find(str(path), "templates")
        result = self.engine().render_file(found.resolve(), self._scope())
        return "" if result is None else str(result)

    def evaluate(self, expression: str, where: Location | None = None) -> object:
        """Return the value of an expression that is written without braces, as conditions are.

        Raises:
            UsageError: a syntax error, an undefined variable, a failing filter.

        """
        return self.engine().evaluate_expression(
            expression.strip(), self._scope(), location_of(expression) or where
        )

    def test(self, condition: object, where: Location | None = None) -> bool:
        """Evaluate a ``when:``, ``changed_when:``, …; a list is true if all its items are.

        Raises:
            UsageError: also when the result is neither true nor false, as Ansible since 2.19.

        """
        if isinstance(condition, bool):
            return condition
        where = location_of(condition) or where
        if isinstance(condition, list | tuple):
            return all(self.test(item, where) for item in condition)
        if not isinstance(condition, str) or not condition.strip():
            raise UsageError(f"not a condition: {condition!r}", where=where)
        return self.engine().test(condition.strip(), self._scope(), where)

    def find(self, name: str, kind: str, *, or_directory: bool = False) -> Path:
        """Return the file ``name``, of the ``kind`` files or templates, found in ``search``.

        A directory of that name will do as well, where that is asked for.

        Raises:
            UsageError: naming every place that was looked at.

        """
        places = list(self._places(os.path.expanduser(name), kind))  # noqa: PTH111
        for place in places:
            if place.is_file() or (or_directory and place.is_dir()):
                return place
        searched = ", ".join(str(place) for place in places)
        raise UsageError(f"there is no file {name!r} (looked for {searched})")

    def _places(self, name: str, kind: str) -> Iterator[Path]:
        if Path(name).is_absolute():
            yield Path(name)
            return
        for directory in self.search or (Path(),):
            yield directory / kind / name
            yield directory / name

    def _scope(self) -> Scope:
        from provision.templating.scope import Scope

        return Scope(self)

    def engine(self) -> Engine:
        """Return what compiles and runs the templates of this search path."""
        from provision.templating.environment import engine_for

        return engine_for(self.search)


def unrendered(variables: Mapping[str, object]) -> Mapping[str, object]:
    """Return the variables that a ``Templater.view`` renders, and any others as they are."""
    from provision.templating.scope import Scope

    return variables.templater.variables if isinstance(variables, Scope) else variables
