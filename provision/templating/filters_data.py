"""Filters that turn mappings, lists and scalars into others."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, Undefined, pass_environment
from jinja2.filters import do_unique

from provision.templating.scope import LazyList, LazyMapping
from provision.templating.undefined import Missing

_TRUE = ("yes", "on", "true", "1")
_FALSE = ("no", "off", "false", "0")


def to_bool(value: object) -> bool:
    """Read a truth value as YAML 1.1 writes it.

    Raises:
        ValueError: the text is neither true nor false.

    """
    text = str(value).lower()
    if isinstance(value, str | int) and text in _TRUE:
        return True
    if isinstance(value, str | int) and text in _FALSE:
        return False
    raise ValueError(f"{value!r} is neither true nor false; write yes or no, true or false")


def mandatory(value: object, msg: str | None = None) -> object:
    """Refuse an undefined value, with ``msg``."""
    if not isinstance(value, Missing):
        return value
    raise ValueError(msg or f"the mandatory variable {value.name!r} is not defined")


def ternary(value: object, true: object, false: object, none: object = None) -> object:
    """Choose by truth; ``none`` is for ``None``."""
    if value is None and none is not None:
        return none
    return true if value else false


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def flatten(items: Iterable[Any], levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """Put the items of nested lists into one list, ``levels`` deep."""
    result: list[Any] = []
    for item in items:
        if skip_nulls and item in (None, "None", "null"):
            continue
        if _is_list(item) and levels != 0:
            deeper = None if levels is None else levels - 1
            # Ansible forgets skip_nulls=False on its way down where no depth is given, not here
            result.extend(flatten(item, deeper, skip_nulls))
        else:
            result.append(item)
    return result


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> Mapping[Any, Any]:
    """Merge mappings, later ones win; ``list_merge`` says what becomes of lists."""
    result: dict[Any, Any] = {}
    for mapping in flatten(terms, levels=1):
        if not isinstance(mapping, Mapping):
            raise TypeError(f"combine takes mappings, not {mapping!r}")
        result = _merged(result, mapping, recursive, list_merge)
    return result


def _merged(
    low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str
) -> dict[Any, Any]:
    result = dict(low)
    for key, new in high.items():
        old: Any = result.get(key)
        if recursive and isinstance(old, Mapping) and isinstance(new, Mapping):
            result[key] = _merged(old, new, recursive, list_merge)
        elif key in result and _is_list(old) and _is_list(new):
            result[key] = _merged_lists(list(old), list(new), list_merge)
        else:
            result[key] = new
    return result


def _merged_lists(low: list[Any], high: list[Any], how: str) -> list[Any]:
    match how:
        case "replace":
            return high
        case "keep":
            return low
        case "append":
            return low + high
        case "prepend":
            return high + low
        case "append_rp":
            return [item for item in low if item not in high] + high
        case "prepend_rp":
            return high + [item for item in low if item not in high]
    raise ValueError(f"combine has no list_merge {how!r}")


def dict2items(
    mapping: Mapping[Any, Any], key_name: str = "key", value_name: str = "value"
) -> list[dict[str, Any]]:
    """Turn a mapping into a list of ``{key, value}``."""
    if not isinstance(mapping, Mapping):
        raise TypeError(f"dict2items takes a mapping, not {mapping!r}")
    return [{key_name: key, value_name: mapping[key]} for key in mapping]


def items2dict(
    items: Iterable[Mapping[str, Any]], key_name: str = "key", value_name: str = "value"
) -> dict[Any, Any]:
    """Turn a list of ``{key, value}`` into a mapping."""
    return {item[key_name]: item[value_name] for item in items}


@pass_environment
def unique(
    environment: Environment,
    items: Iterable[Any],
    case_sensitive: bool = False,
    attribute: str | None = None,
) -> list[Any]:
    """Drop repeated items."""
    values = list(items)
    try:
        return list(do_unique(environment, values, case_sensitive, attribute))
    except TypeError:  # mappings cannot be hashed
        return _distinct(values)


def _distinct(items: Iterable[Any]) -> list[Any]:
    """Drop repeated items; the order of the first of each is kept, where Ansible's is random."""
    result: list[Any] = []
    for item in items:
        if item not in result:
            result.append(item)
    return result


def union(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """Return what is in either list."""
    return _distinct([*one, *other])


def intersect(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """Return what is in both lists."""
    second = list(other)
    return _distinct(item for item in one if item in second)


def difference(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """Return what is in the first list only."""
    second = list(other)
    return _distinct(item for item in one if item not in second)


def symmetric_difference(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """Return what is in exactly one of both lists."""
    first, second = list(one), list(other)
    return union(difference(first, second), difference(second, first))


@pass_environment
def extract(environment: Environment, item: Any, container: Any, morekeys: Any = None) -> Any:
    """Return ``container[item]``, and so on with ``morekeys``; for ``map('extract', hostvars)``."""
    keys = [] if morekeys is None else morekeys if isinstance(morekeys, list) else [morekeys]
    value = container
    for key in [item, *keys]:
        value = environment.getitem(value, key)
    return value


def subelements(
    items: Any, accessor: str | list[str], skip_missing: bool = False
) -> list[tuple[Any, Any]]:
    """Pair each item with each element of the list that it holds under ``accessor``."""
    result: list[tuple[Any, Any]] = []
    for item in items.values() if isinstance(items, Mapping) else items:
        value: Any = item
        for key in accessor.split(".") if isinstance(accessor, str) else accessor:
            if skip_missing and key not in value:
                value = []
                break
            value = value[key]
        result.extend((item, element) for element in value)
    return result


def type_debug(value: object) -> str:
    """Return the name of the value's type."""
    if isinstance(value, str):
        return "str"
    if isinstance(value, LazyMapping):
        return "dict"
    return "list" if isinstance(value, LazyList) else type(value).__name__


def zip_lists(*lists: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Pair the items of several lists, until the shortest ends."""
    return list(zip(*lists, strict=False))


def zip_longest(*lists: Iterable[Any], fillvalue: Any = None) -> list[tuple[Any, ...]]:
    """Pair the items of several lists, until the longest ends."""
    return list(itertools.zip_longest(*lists, fillvalue=fillvalue))


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Replace an undefined value, or with ``boolean`` any false one."""
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


FILTERS: dict[str, Callable[..., Any]] = {
    "bool": to_bool,
    "combinations": itertools.combinations,
    "combine": combine,
    "d": default,
    "default": default,
    "dict2items": dict2items,
    "difference": difference,
    "extract": extract,
    "flatten": flatten,
    "intersect": intersect,
    "items2dict": items2dict,
    "mandatory": mandatory,
    "permutations": itertools.permutations,
    "product": itertools.product,
    "subelements": subelements,
    "symmetric_difference": symmetric_difference,
    "ternary": ternary,
    "type_debug": type_debug,
    "union": union,
    "unique": unique,
    "zip": zip_lists,
    "zip_longest": zip_longest,
}
