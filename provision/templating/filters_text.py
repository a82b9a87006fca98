"""Filters that make or take text: encodings, hashes, paths, regular expressions."""

from __future__ import annotations

import base64
import hashlib
import json
import os.path
import re
import shlex
from collections.abc import Callable
from typing import Any

import yaml

from provision.source import plain
from provision.templating.resolving import resolve

_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_GROUP = re.compile(r"\\g<(\S+)>|\\(\d+)")


def to_json(value: object, **options: Any) -> str:
    """Write JSON; ``options`` are those of ``json.dumps``."""
    return json.dumps(resolve(value), **options)


def to_nice_json(value: object, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    """Write JSON for people, keys sorted."""
    options["separators"] = (",", ": ")
    return to_json(value, indent=indent, sort_keys=sort_keys, **options)


def to_yaml(value: object, default_flow_style: bool | None = None, **options: Any) -> str:
    """Write YAML, innermost containers on one line; ``options`` are those of ``yaml.dump``."""
    data = plain(resolve(value))
    return str(
        yaml.dump(
            data,
            Dumper=_Dumper,
            allow_unicode=True,
            default_flow_style=default_flow_style,
            **options,
        )
    )


def to_nice_yaml(value: object, indent: int = 4, **options: Any) -> str:
    """Write YAML for people."""
    return to_yaml(value, **{"indent": indent, "default_flow_style": False, **options})


def from_yaml(text: str | None) -> object:
    """Read one YAML document."""
    return None if text is None else yaml.safe_load(text)


def from_yaml_all(text: str | None) -> list[object]:
    """Read several YAML documents."""
    return [] if text is None else list(yaml.safe_load_all(text))


def _flags(ignorecase: bool, multiline: bool) -> re.RegexFlag:
    return (re.IGNORECASE if ignorecase else re.RegexFlag(0)) | (
        re.MULTILINE if multiline else re.RegexFlag(0)
    )


def regex_replace(
    value: object,
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """Replace a pattern; ``count`` limits how often, ``mandatory_count`` demands how often."""
    compiled = re.compile(pattern, _flags(ignorecase, multiline))
    result, found = compiled.subn(replacement, str(value), count=count)
    if mandatory_count and mandatory_count != found:
        raise ValueError(f"{pattern!r} should match {mandatory_count} times, it does {found} times")
    return result


def regex_findall(
    value: object, pattern: str, multiline: bool = False, ignorecase: bool = False
) -> list[Any]:
    """Return all matches of a pattern."""
    return re.findall(pattern, str(value), _flags(ignorecase, multiline))


def regex_search(
    value: object, pattern: str, *groups: str, multiline: bool = False, ignorecase: bool = False
) -> str | list[str | Any] | None:
    r"""Return the first match, or a list of its ``groups`` (such as ``\1`` or ``\g<name>``)."""
    match = re.search(pattern, str(value), _flags(ignorecase, multiline))
    if match is None:
        return None
    if not groups:
        return match.group()
    return [match.group(_group(group)) for group in groups]


def _group(text: str) -> int | str:
    match = _GROUP.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no group; write \\1 or \\g<name>")
    name, number = match.groups()
    return name if name is not None else int(number)


def regex_escape(value: object, re_type: str = "python") -> str:
    """Escape what is special in a regular expression of ``python`` or ``posix_basic``."""
    if re_type == "python":
        return re.escape(str(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", str(value))
    raise ValueError(f"re_type is python or posix_basic, not {re_type!r}")


def hash_of(value: object, hashtype: str = "sha1") -> str:
    """Return a hexadecimal digest of text."""
    return hashlib.new(hashtype, str(value).encode()).hexdigest()


def b64encode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """Encode text."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(str(value).encode(encoding)).decode("ascii")


def b64decode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """Decode to text."""
    decode = base64.urlsafe_b64decode if urlsafe else base64.b64decode
    return decode(str(value).encode()).decode(encoding)


def quote(value: object) -> str:
    """Quote for a POSIX shell."""
    return shlex.quote("" if value is None else str(value))


def comment(text: str, style: str = "plain", decoration: str | None = None) -> str:
    """Write text as a comment in the ``style`` plain (``#``), erlang, c, cblock or xml."""
    styles = {
        "plain": ("", "# ", ""),
        "erlang": ("", "% ", ""),
        "c": ("", "// ", ""),
        "cblock": ("/*\n", " * ", "\n */"),
        "xml": ("<!--\n", " - ", "\n-->"),
    }
    if style not in styles:
        raise ValueError(f"there is no comment style {style!r}; known: {', '.join(styles)}")
    begin, mark, end = styles[style]
    mark = mark if decoration is None else decoration
    edge = mark.rstrip()
    body = "\n".join(
        (mark + line).rstrip() if not line else mark + line for line in text.split("\n")
    )
    return f"{begin}{edge}\n{body}\n{edge}{end}"


def path_join(parts: str | list[str]) -> str:
    """Join the parts of a path."""
    return parts if isinstance(parts, str) else os.path.join(*parts)  # noqa: PTH118


def _path(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of ``os.path`` refuse an undefined value with its name."""
    return lambda value, *args: function(str(value), *args)


FILTERS: dict[str, Callable[..., Any]] = {
    "b64decode": b64decode,
    "b64encode": b64encode,
    "basename": _path(os.path.basename),
    "checksum": hash_of,
    "comment": comment,
    "dirname": _path(os.path.dirname),
    "expanduser": _path(os.path.expanduser),
    "from_json": json.loads,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
    "hash": hash_of,
    "md5": lambda value: hash_of(value, "md5"),
    "normpath": _path(os.path.normpath),
    "path_join": path_join,
    "quote": quote,
    "regex_escape": regex_escape,
    "regex_findall": regex_findall,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "relpath": _path(os.path.relpath),
    "sha1": hash_of,
    "split": lambda value, *args: str(value).split(*args),
    "splitext": _path(os.path.splitext),
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_nice_yaml": to_nice_yaml,
    "to_yaml": to_yaml,
}
