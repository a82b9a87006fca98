"""The Compose specification's own schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from provision.errors import did_you_mean

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

_SCHEMA = Path(__file__).with_name("compose-spec.json")


def violations(model: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield path, message and hint for everything in ``model`` that the specification refuses."""
    from jsonschema.exceptions import best_match  # slow to import

    for error in _validator().iter_errors(model):
        best = best_match([error]) or error
        path = tuple(str(step) for step in best.absolute_path)
        yield path, f"{'.'.join(path) or 'the file'}: {best.message}", _hint(best)


@lru_cache(maxsize=1)
def _validator() -> Validator:
    from jsonschema import Draft202012Validator  # slow to import

    return Draft202012Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _hint(error: ValidationError) -> str:
    """Return what to write instead, as far as the schema tells."""
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        known = error.schema.get("properties", {})
        for name in cast("dict[str, object]", error.instance):
            unknown = name not in known and not name.startswith("x-")
            guess = did_you_mean(name, known) if unknown else None
            if guess:
                return guess
    return "see the Compose file reference"
