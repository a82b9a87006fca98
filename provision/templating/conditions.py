"""Ansible's tests (``x is …``), beside those that Jinja2 has."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), operator.eq),
    **dict.fromkeys(("!=", "<>", "ne"), operator.ne),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys(("<=", "le"), operator.le),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys((">=", "ge"), operator.ge),
}
_VERSION_PART = re.compile(r"(\d+|[a-z]+|\.)")


def _loose(version: object) -> list[int | str]:
    """Split a version as ``distutils.version.LooseVersion`` did, which Ansible still uses."""
    parts = [part for part in _VERSION_PART.split(str(version)) if part and part != "."]
    return [int(part) if part.isdecimal() else part for part in parts]


def version(value: object, other: object, operator: str = "eq", strict: bool = False) -> bool:
    """Compare two version numbers.

    Raises:
        ValueError: an empty version, an unknown operator, or a number met a word, such as in
            ``1.a`` and ``1.2``.

    """
    if strict:
        raise ValueError("the test `version` compares loosely; `strict` is not supported")
    if not value or not other:
        raise ValueError("the test `version` needs two versions, one is empty")
    compare = _COMPARISONS.get(operator)
    if compare is None:
        raise ValueError(f"{operator!r} is no comparison; use one of {', '.join(_COMPARISONS)}")
    try:
        return compare(_loose(value), _loose(other))
    except TypeError:
        raise ValueError(f"the versions {value} and {other} cannot be compared") from None


def _flags(ignorecase: bool, multiline: bool) -> re.RegexFlag:
    flags = re.RegexFlag(0)
    if ignorecase:
        flags |= re.IGNORECASE
    return flags | re.MULTILINE if multiline else flags


def regex(
    value: object,
    pattern: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    """Tell whether a pattern is found in ``value``; ``match_type`` names a function of ``re``."""
    if match_type not in ("search", "match", "fullmatch"):
        raise ValueError(f"match_type is search, match or fullmatch, not {match_type!r}")
    compiled = re.compile(pattern, _flags(ignorecase, multiline))
    return getattr(compiled, match_type)(str(value)) is not None


def match(
    value: object, pattern: str = "", ignorecase: bool = False, multiline: bool = False
) -> bool:
    """Tell whether a pattern matches at the start of ``value``."""
    return regex(value, pattern, ignorecase, multiline, "match")


def search(
    value: object, pattern: str = "", ignorecase: bool = False, multiline: bool = False
) -> bool:
    """Tell whether a pattern is found anywhere in ``value``."""
    return regex(value, pattern, ignorecase, multiline)


def _result(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a registered result, not {value!r}")
    return value


def failed(result: object) -> bool:
    """Tell whether a registered task failed."""
    return bool(_result(result).get("failed"))


def succeeded(result: object) -> bool:
    """Tell whether a registered task did not fail."""
    return not failed(result)


def changed(result: object) -> bool:
    """Tell whether a registered task, or any item of its loop, changed something."""
    found = _result(result)
    if "changed" in found:
        return bool(found["changed"])
    return any(item.get("changed") for item in found.get("results", []))


def skipped(result: object) -> bool:
    """Tell whether a registered task was skipped."""
    return bool(_result(result).get("skipped"))


def unreachable(result: object) -> bool:
    """Tell whether the host of a registered task could not be reached."""
    return bool(_result(result).get("unreachable"))


def reachable(result: object) -> bool:
    """Tell whether the host of a registered task could be reached."""
    return not unreachable(result)


def _subset(part: Any, whole: Any) -> bool:
    return all(item in whole for item in part)


def _superset(whole: Any, part: Any) -> bool:
    return _subset(part, whole)


TESTS: dict[str, Callable[..., bool]] = {
    **dict.fromkeys(("version", "version_compare"), version),
    **dict.fromkeys(("failed", "failure"), failed),
    **dict.fromkeys(("succeeded", "success", "successful"), succeeded),
    **dict.fromkeys(("changed", "change"), changed),
    **dict.fromkeys(("skipped", "skip"), skipped),
    **dict.fromkeys(("subset", "issubset"), _subset),
    **dict.fromkeys(("superset", "issuperset"), _superset),
    "unreachable": unreachable,
    "reachable": reachable,
    "regex": regex,
    "match": match,
    "search": search,
    "any": any,
    "all": all,
    "contains": lambda container, item: item in container,
    "truthy": bool,
    "falsy": operator.not_,
}
