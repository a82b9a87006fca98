"""One line of a file."""

from __future__ import annotations

from typing import Callable, List, NamedTuple, Optional

from provision.agent.resources.edited_file import EditedFile, lines_of, missing, pattern_of


class LineInFile(EditedFile):
    """That a line is in a file, or that lines are not; as Ansible's ``lineinfile`` does it.

    Args:
        path: the file.
        line: the line, without its end. With ``backrefs``, groups of ``regexp`` are filled in.
        state: ``present`` or ``absent``; ``absent`` removes every line that matches.
        regexp: the last line that this matches is replaced (the first with ``firstmatch``).
        search_string: the same for a plain text.
        insertafter, insertbefore: where the line goes when nothing matches: ``EOF``, ``BOF`` or a
            regular expression, of whose matches the last counts (the first with ``firstmatch``).
        backrefs: do nothing when nothing matches.
        create: make the file, and its directory, where it is missing.

    """

    path: str
    line: Optional[str] = None
    state: str = "present"
    regexp: Optional[str] = None
    search_string: Optional[str] = None
    insertafter: Optional[str] = None
    insertbefore: Optional[str] = None
    backrefs: bool = False
    create: bool = False
    firstmatch: bool = False

    def file(self) -> str:
        """Return the path."""
        return self.path

    def edited(self, content: Optional[str]) -> Optional[str]:
        """Return the content with the line, or without the lines."""
        if self.state == "absent":
            return None if content is None else "".join(self._without(lines_of(content)))
        if content is None and not self.create:
            raise missing(self.path)
        return "".join(self._with(lines_of(content or ""))) or content

    def _without(self, lines: List[str]) -> List[str]:
        matches = self._matcher() or (lambda line: line.rstrip("\r\n") == self.line)
        return [line for line in lines if not matches(line)]

    def _with(self, lines: List[str]) -> List[str]:
        matches = self._matcher()
        matching = [] if matches is None else [n for n, text in enumerate(lines) if matches(text)]
        if matching:
            at = matching[0 if self.firstmatch else -1]
            lines[at] = _ended(self._expanded(lines[at]))
            return lines
        place = self._look_for_place(lines)
        if place.same is not None:
            lines[place.same] = _ended(self.line or "")
            return lines
        return lines if self.backrefs else self._inserted(lines, place.insert)

    def _matcher(self) -> Optional[Callable[[str], object]]:
        """Return what tells whether a line is one to replace or to remove."""
        if self.regexp is not None:
            return pattern_of(self.regexp).search
        if self.search_string is not None:
            text = self.search_string
            return lambda line: text in line
        return None

    def _expanded(self, found: str) -> str:
        """Return the new line, with groups of the matching one filled in."""
        match = (
            pattern_of(self.regexp).search(found)
            if self.backrefs and self.regexp is not None
            else None
        )
        return match.expand(self.line or "") if match else self.line or ""

    def _look_for_place(self, lines: List[str]) -> "_Place":
        """Find the line itself, and the place to insert it at, in one pass as Ansible does."""
        anchor = self.insertafter or self.insertbefore
        pattern = None if anchor in (None, "BOF", "EOF") else pattern_of(anchor or "")
        same = insert = None
        for number, text in enumerate(lines):
            if text.rstrip("\r\n") == self.line:
                same = number
            elif pattern is not None and pattern.search(text):
                insert = number + 1 if self.insertafter else number
                if self.firstmatch:
                    break
        return _Place(same, insert)

    def _inserted(self, lines: List[str], at: Optional[int]) -> List[str]:
        if "BOF" in (self.insertbefore, self.insertafter):
            at = 0
        if at is None or at == len(lines):
            return [*lines[:-1], *map(_ended, lines[-1:]), _ended(self.line or "")]
        if self.insertafter and lines[at].rstrip("\r\n") == self.line:
            return lines  # it is there; the search for the first match had ended before it
        return [*lines[:at], _ended(self.line or ""), *lines[at:]]


class _Place(NamedTuple):
    same: Optional[int]  # where the line is already
    insert: Optional[int]  # where it may be put


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + "\n"
