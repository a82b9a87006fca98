"""The Compose specification's own schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from provision.errors import did_you_mean

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_KEYS = {"additionalProperties", "unevaluatedProperties"}
_SCHEMA = Path(__file__).with_name("compose-spec.json")


def violations(model: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield path, message and hint for everything in ``model`` that the specification refuses."""
    from jsonschema.exceptions import best_match  # slow to import

    for error in _validator().iter_errors(model):
        best = best_match([error]) or error
        path = tuple(str(step) for step in best.absolute_path)
        place = ".".join(path) or "the file"
        if best.validator not in _KEYS:
            yield path, f"{place}: {best.message}", "see the Compose file reference"
            continue
        known = _known_keys(best.schema)
        for key in cast("dict[object, object]", best.instance):
            if key not in known and not str(key).startswith("x-"):
                hint = did_you_mean(str(key), known) or "see the Compose file reference"
                yield path, f"{place}: there is no key {key!r}", hint


def _known_keys(schema: Any) -> set[str]:
    """Return the keys that an object's schema names, in itself and in what it is put together from.

    A key that has a fault deeper inside counts as unevaluated, too: it is known, so it is only
    reported there.
    """
    keys = set(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        keys |= _known_keys(_definition(part["$ref"]) if "$ref" in part else part)
    return keys


def _definition(reference: str) -> Any:
    return _schema()["$defs"][reference.removeprefix("#/$defs/")]


@lru_cache(maxsize=1)
def _schema() -> Any:
    return json.loads(_SCHEMA.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _validator() -> Validator:
    from jsonschema import Draft202012Validator  # slow to import

    return Draft202012Validator(_schema())
