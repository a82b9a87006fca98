"""Values merged into a JSON file that others write to as well."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional

from provision.agent.failure import Failure
from provision.agent.resources.edited_file import EditedFile

_INDENT = 2  # of a new file


class MergeJson(EditedFile):
    """That a JSON object holds certain values, whatever else it holds (RFC 7396, merge patch).

    Objects are merged key by key, ``null`` removes a key, anything else replaces. The order of keys
    and the indentation stay; a file that needs no change is left as it is, to the byte.

    Args:
        dest: the file; a missing or empty one counts as ``{}``, and is created.
        values: what to merge.
        lists: ``replace``, or ``union``: the items that are missing are added to a list's end.

    """

    dest: str
    values: Dict[str, Any]
    lists: str = "replace"

    def file(self) -> str:
        """Return the path."""
        return self.dest

    def edited(self, content: Optional[str]) -> Optional[str]:
        """Return the content with the values merged."""
        text = content or ""
        old = self._parsed(text)
        new = _merged(old, self.values, union=self.lists == "union")
        if new == old and text.strip():
            return content
        indent = _indentation(text)
        separators = (",", ": ") if indent is not None else (", ", ": ")
        merged = json.dumps(new, indent=indent, ensure_ascii=False, separators=separators)
        return merged + ("\n" if text.endswith("\n") or not text else "")

    def _parsed(self, text: str) -> Any:
        try:
            parsed = json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise Failure(
                "{} is not valid JSON: {}".format(self.dest, error),
                hint="repair it by hand; it was left as it is",
            ) from error
        if not isinstance(parsed, dict):
            raise Failure("{} does not hold a JSON object".format(self.dest))
        return parsed


def _merged(old: Any, new: Any, *, union: bool) -> Any:
    if isinstance(new, dict):
        result = dict(old) if isinstance(old, dict) else {}
        for key, value in new.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = _merged(result.get(key), value, union=union)
        return result
    if union and isinstance(old, list) and isinstance(new, list):
        return old + [item for item in new if item not in old]
    return new


def _indentation(text: str) -> Any:
    """Return what ``json.dumps`` takes as indent; None for an object on a single line."""
    if not text.strip():
        return _INDENT
    match = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    if match:
        return match.group(1)
    return 0 if "\n" in text.strip() else None
