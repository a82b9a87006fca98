"""The Jinja2 environments, set up as Ansible sets up its own, and what is compiled in them.

The rules are those of ansible-core 2.19 (``ansible/_internal/_templating``): ``trim_blocks`` on,
one expression keeps its native type, several are joined as text without ``None``, trailing
newlines are kept, backslashes in string literals of YAML values are literal.
"""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template, pass_context
from jinja2.environment import TemplateExpression
from jinja2.lexer import TOKEN_STRING, TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END, Lexer
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context
from jinja2.utils import missing

from provision.errors import Location, UsageError
from provision.source import LocatedString
from provision.templating import lookups
from provision.templating.conditions import TESTS
from provision.templating.filters import FILTERS, listed
from provision.templating.markers import OMIT, has_template, is_own_text
from provision.templating.problems import raise_explained
from provision.templating.resolving import resolve
from provision.templating.scope import Scope
from provision.templating.undefined import Missing, UndefinedVariable

_CACHED_TEMPLATES = 10_000
_OPENING = ("{{", "{%", "{#")
_CLOSING = ("}}", "%}", "#}")


class _Context(Context):
    """A context that never copies the variables: a copy would render them all."""

    def get_all(self) -> Any:
        return ChainMap({}, self.vars, self.parent)

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        return _new_context(self.environment, self.name, {}, [locals or {}, self.get_all()])


class _Template(Template):
    """A template whose included templates see the variables lazily, too."""

    def new_context(
        self,
        vars: Mapping[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> Context:
        layers = [locals or {}, vars or {}, {} if shared else self.globals]
        return _new_context(self.environment, self.name, self.blocks, layers)


def _new_context(
    environment: Environment, name: str | None, blocks: Any, layers: Iterable[Mapping[str, Any]]
) -> Context:
    first, *rest = layers
    known = {key: value for key, value in first.items() if value is not missing}
    return _Context(environment, ChainMap(known, *rest), name, blocks)  # type: ignore[arg-type]


def _fresh_context(template: Template, scope: Scope) -> Context:
    layers = [{}, scope, template.globals]
    return _new_context(template.environment, template.name, template.blocks, layers)


class _Environment(Environment):
    """What value and file templates share."""

    code_generator_class = NativeCodeGenerator
    context_class = _Context
    template_class = _Template

    def __init__(self, search: tuple[Path, ...]) -> None:
        super().__init__(
            trim_blocks=True,
            undefined=Missing,
            finalize=_finalize,
            optimized=False,  # a folded constant could not raise where it stands
            loader=_Loader(search),
        )
        self.filters = {name: listed(function) for name, function in self.filters.items()}
        self.filters.update(FILTERS)
        self.tests.update(TESTS)
        self.globals.update(lookups.GLOBALS, omit=OMIT, ansible_managed="Ansible managed")
        self.policies["json.dumps_function"] = FILTERS["to_json"]

    def join_path(self, template: str, parent: str) -> str:
        beside = Path(parent).parent / template
        return str(beside) if beside.is_file() else template

    @staticmethod
    def concat(nodes: Iterable[Any]) -> Any:
        """Return the one value that a template made, or the text of all of them."""
        values = [node for node in nodes if node is not None]
        if len(values) > 1:
            return "".join(
                value if isinstance(value, str) else str(resolve(value)) for value in values
            )
        return values[0] if values else None


class _ValueEnvironment(_Environment):
    """For strings from YAML, where YAML has treated backslashes already."""

    @property
    def lexer(self) -> Lexer:
        return _ValueLexer(self)


class _ValueLexer(Lexer):
    """Takes backslashes in the string literals of ``{{ … }}`` literally."""

    def tokeniter(self, *args: Any, **kwargs: Any) -> Iterator[tuple[int, str, str]]:
        inside = False
        for line, kind, text in super().tokeniter(*args, **kwargs):
            if kind in (TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END):
                inside = kind == TOKEN_VARIABLE_BEGIN
            literal = inside and kind == TOKEN_STRING
            yield line, kind, text.replace("\\", "\\\\") if literal else text


class _Loader(FileSystemLoader):
    """Finds templates by absolute path, else in ``templates/`` of the search directories."""

    def __init__(self, search: tuple[Path, ...]) -> None:
        super().__init__([place for path in search for place in (path / "templates", path)])

    def get_source(self, environment: Environment, template: str) -> Any:
        path = Path(template)
        if not path.is_absolute():
            return super().get_source(environment, template)
        modified = path.stat().st_mtime
        text = path.read_text(encoding=self.encoding)
        return text, template, lambda: path.stat().st_mtime == modified


@pass_context  # not at compile time: constants, too, are finalized where they stand
def _finalize(context: Context, value: Any) -> Any:
    if isinstance(value, Missing):
        value.fail()
    return value


class Engine:
    """Compiles and runs templates for one search path; shared by all threads and hosts."""

    def __init__(self, search: tuple[Path, ...]) -> None:
        self._values = _ValueEnvironment(search)
        self._files = _Environment(search)
        self._compile_value = lru_cache(_CACHED_TEMPLATES)(self._values.from_string)
        self._compile_expression = lru_cache(_CACHED_TEMPLATES)(self._expression)

    def _expression(self, source: str) -> Template:
        expression: TemplateExpression = self._files.compile_expression(source, False)
        return expression._template

    def render_value(self, source: str, scope: Scope, where: Location | None) -> Any:
        """Render one string from YAML to an ordinary value."""
        try:
            return resolve(self._run(self._compile_value(str(source)), source, scope))
        except Exception as error:
            raise_explained(error, self._values, scope, where)

    def evaluate(self, source: LocatedString, scope: Scope) -> Any:
        """Render a variable's own template; containers stay lazy.

        An undefined name comes back as what stands for it: ``default`` may still replace it.
        """
        try:
            return self._run(self._compile_value(str(source)), source, scope)
        except UndefinedVariable as error:
            return error.marker.moved_to(source.location)
        except Exception as error:
            raise_explained(error, self._values, scope, source.location)

    def render_file(self, path: Path, scope: Scope) -> Any:
        """Render a template file; one expression keeps its type here, too."""
        try:
            source = path.read_bytes().decode("utf-8")
            if source.startswith("#jinja2:"):
                raise UsageError(
                    "the template's own settings (`#jinja2:`) are not supported",
                    where=Location(str(path), 1, 1),
                    hint="remove the line; `{%-` and `-%}` remove white space where needed",
                )
            if not has_template(source):
                return source
            return resolve(self._run(self._files.get_template(str(path)), source, scope))
        except Exception as error:
            raise_explained(error, self._files, scope, Location(str(path)))

    def test(self, condition: str, scope: Scope, where: Location | None) -> bool:
        """Evaluate an expression that must be true or false."""
        result: object = condition
        if condition.startswith(_OPENING) and condition.endswith(_CLOSING):
            result = self.render_value(condition, scope, where)
        if result is condition or is_own_text(result):
            result = self.evaluate_expression(str(result), scope, where)
        if isinstance(result, bool):
            return result
        kind = "undefined" if result is None else type(result).__name__
        raise UsageError(
            f"the condition {condition!r} is neither true nor false, it is {result!r} ({kind})",
            where=where,
            hint="compare it (`x | length > 0`, `x == 'yes'`) or convert it (`x | bool`)",
        )

    def evaluate_expression(self, source: str, scope: Scope, where: Location | None) -> object:
        """Evaluate an expression without braces to an ordinary value."""
        try:
            with lookups.on_behalf_of(scope):
                template = self._compile_expression(source)
                context = _fresh_context(template, scope)
                deque(template.root_render_func(context), maxlen=0)
                return resolve(context.vars["result"])
        except Exception as error:
            raise_explained(error, self._files, scope, where)

    def _run(self, template: Template, source: str, scope: Scope) -> Any:
        with lookups.on_behalf_of(scope):
            result = self._files.concat(template.root_render_func(_fresh_context(template, scope)))
        if not isinstance(result, str):
            return result
        lost = _trailing_newlines(source) - _trailing_newlines(result)
        return result + "\n" * lost if lost > 0 else result


def _trailing_newlines(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))


@lru_cache(maxsize=64)
def engine_for(search: tuple[Path, ...]) -> Engine:
    """Return the engine shared by everybody who searches the same directories."""
    return Engine(search)
