"""A block of lines in a file, between two marker lines."""

from __future__ import annotations

from typing import List, Optional

from provision.agent.resources.edited_file import EditedFile, lines_of, missing, pattern_of


class BlockInFile(EditedFile):
    """That a block is in a file, or that none is; as Ansible's ``blockinfile`` does it.

    Args:
        path: the file.
        block: its lines; an empty one is as good as ``absent``.
        state: ``present`` or ``absent``.
        marker: the lines before and after, with ``{mark}`` for ``marker_begin``, ``marker_end``.
        insertafter, insertbefore: where a new block goes: ``EOF``, ``BOF`` or a regular expression,
            of whose matches the last counts.
        create: make the file, and its directory, where it is missing.
        prepend_newline, append_newline: an empty line between the block and the text beside it.

    """

    path: str
    block: str = ""
    state: str = "present"
    marker: str = "# {mark} ANSIBLE MANAGED BLOCK"
    marker_begin: str = "BEGIN"
    marker_end: str = "END"
    insertafter: Optional[str] = None
    insertbefore: Optional[str] = None
    create: bool = False
    prepend_newline: bool = False
    append_newline: bool = False

    def file(self) -> str:
        """Return the path."""
        return self.path

    def edited(self, content: Optional[str]) -> Optional[str]:
        """Return the content with the block, or without."""
        if content is None:
            if self.state == "absent":
                return None
            if not self.create:
                raise missing(self.path)
        lines = lines_of(content or "")
        at = self._cut(lines)
        if at > 0 and not lines[at - 1].endswith("\n"):
            lines[at - 1] += "\n"
        if self.state == "present" and self.prepend_newline and at and lines[at - 1] != "\n":
            lines.insert(at, "\n")
            at += 1
        block = self._block()
        lines[at:at] = block
        after = at + len(block)
        if self.state == "present" and self.append_newline and lines[after : after + 1] != ["\n"]:
            lines[after:after] = ["\n"] if after < len(lines) else []
        return "".join(lines)

    def _mark(self, word: str) -> str:
        return self.marker.replace("{mark}", word) + "\n"

    def _block(self) -> List[str]:
        if self.state == "absent" or not self.block:
            return []
        text = self.block if self.block.endswith("\n") else self.block + "\n"
        return [self._mark(self.marker_begin), *lines_of(text), self._mark(self.marker_end)]

    def _cut(self, lines: List[str]) -> int:
        """Take the old block out of ``lines`` and return where the new one goes."""
        begins = [n for n, line in enumerate(lines) if line == self._mark(self.marker_begin)]
        ends = [n for n, line in enumerate(lines) if line == self._mark(self.marker_end)]
        if not begins or not ends:
            return self._place(lines)
        first, last = sorted((begins[-1], ends[-1]))
        del lines[first : last + 1]
        return first

    def _place(self, lines: List[str]) -> int:
        anchor = self.insertafter or self.insertbefore or "EOF"
        if anchor == "EOF":
            return len(lines)
        if anchor == "BOF":
            return 0
        pattern = pattern_of(anchor)
        matching = [n for n, line in enumerate(lines) if pattern.search(line)]
        if not matching:
            return len(lines)
        return matching[-1] + (1 if self.insertafter else 0)
