"""The parameters that modules and Python tasks take, and what values fit them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from provision.errors import UsageError, did_you_mean

Kind = Literal["str", "path", "int", "float", "bool", "list", "dict", "raw"]
ANY = "*"
"""The name under which a module that takes parameters of any name (``set_fact``) lists them."""

_TRUE = ("yes", "on", "true", "t", "y", "1", "1.0")
_FALSE = ("no", "off", "false", "f", "n", "0", "0.0")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter.

    Args:
        type: Ansible's name of the type; ``raw`` takes anything.
        required: whether it must be given.
        aliases: other names that it may be given by.
        choices: the only values allowed, if there are any; for a list, those of its items.
        free_form: whether it takes the text of ``module: text``, as ``cmd`` of ``command`` does.

    """

    type: Kind = "str"
    required: bool = False
    aliases: tuple[str, ...] = ()
    choices: tuple[object, ...] = ()
    free_form: bool = False


class ModuleCatalog(Protocol):
    """What a playbook's tasks may name: modules and Python tasks."""

    def names(self) -> Iterable[str]:
        """Return all names, without any collection's prefix."""

    def parameters(self, name: str) -> Mapping[str, Parameter]:
        """Return the parameters of one of these."""


def canonical(given: Mapping[Any, object], known: Mapping[str, Parameter]) -> dict[str, object]:
    """Return ``given`` by the parameters' own names.

    Raises:
        UsageError: a name that is not known, or one parameter given by two of its names.

    """
    aliases = {alias: name for name, parameter in known.items() for alias in parameter.aliases}
    result: dict[str, object] = {}
    for word, value in given.items():
        name = aliases.get(word, word)
        if name not in known and ANY not in known:
            names = [known_name for known_name in known if known_name != ANY]
            raise ParameterError(
                f"there is no parameter {word!r}", word, did_you_mean(str(word), names)
            )
        if name in result:
            raise ParameterError(f"{word!r} is another name of {name!r}, which is given, too", word)
        result[name] = value
    return result


class ParameterError(UsageError):
    """Something is wrong with the parameter that was given as ``word``."""

    def __init__(self, message: str, word: object, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.word = word


def convert(name: str, value: object, parameter: Parameter) -> object:
    """Return ``value`` as the parameter's type, converted as Ansible converts.

    Raises:
        UsageError: it does not fit, or is none of the choices.

    """
    if value is None:
        return None
    try:
        result = _CONVERTERS[parameter.type](value)
    except (TypeError, ValueError):
        wanted = _IN_WORDS[parameter.type]
        raise ParameterError(f"{name!r} must be {wanted}, not {value!r}", name) from None
    for item in result if isinstance(result, list) else [result]:
        if parameter.choices and item not in parameter.choices:
            choices = ", ".join(str(choice) for choice in parameter.choices)
            hint = did_you_mean(str(item), map(str, parameter.choices))
            raise ParameterError(f"{name!r} must be one of {choices}, not {item!r}", name, hint)
    return result


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise TypeError
    return str(value)


def _integer(value: object) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)  # type: ignore[call-overload, no-any-return]


def _number(value: object) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)  # type: ignore[arg-type]


def _truth(value: object) -> bool:
    text = str(value).lower()
    if isinstance(value, str | int | float) and text in (*_TRUE, *_FALSE):
        return text in _TRUE
    raise ValueError


def _list(value: object) -> list[object]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, dict):
        raise TypeError
    return [value]


def _mapping(value: object) -> dict[object, object]:
    if not isinstance(value, Mapping):
        raise TypeError
    return dict(value)


_CONVERTERS: dict[Kind, Callable[[object], object]] = {
    "str": _text,
    "path": _text,
    "int": _integer,
    "float": _number,
    "bool": _truth,
    "list": _list,
    "dict": _mapping,
    "raw": lambda value: value,
}
_IN_WORDS: dict[Kind, str] = {
    "str": "text",
    "path": "a path",
    "int": "a whole number",
    "float": "a number",
    "bool": "yes or no",
    "list": "a list",
    "dict": "a mapping",
    "raw": "anything",
}


def parameters_of(function: Callable[..., object]) -> dict[str, Parameter]:
    """Return the parameters of a Python task: its keyword-only arguments, by their annotations."""
    function = inspect.unwrap(function)
    arguments = inspect.signature(function).parameters.values()
    return {
        argument.name: _from_annotation(
            _evaluated(argument.annotation, function), argument.default is argument.empty
        )
        for argument in arguments
        if argument.kind is argument.KEYWORD_ONLY
    }


def _evaluated(annotation: Any, function: Callable[..., object]) -> Any:
    """Return an annotation as an object; one argument's, as others may be for the checker only."""
    if isinstance(annotation, str):
        return eval(annotation, vars(inspect.getmodule(function)))  # noqa: S307  (our own code)
    return annotation


def _from_annotation(annotation: Any, required: bool) -> Parameter:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        kinds = [argument for argument in arguments if argument is not type(None)]
        if len(kinds) > 1:
            return Parameter(type="raw", required=required)
        return _from_annotation(kinds[0], required)
    if origin is Literal:
        kind = _kind(type(arguments[0]))
        return Parameter(type=kind, required=required, choices=arguments)
    return Parameter(type=_kind(origin or annotation), required=required)


def _kind(cls: object) -> Kind:
    exact: dict[object, Kind] = {str: "str", bool: "bool", int: "int", float: "float", Path: "path"}
    if cls in exact:
        return exact[cls]
    if isinstance(cls, type) and issubclass(cls, Mapping):
        return "dict"
    if isinstance(cls, type) and issubclass(cls, Sequence):
        return "list"
    return "raw"
