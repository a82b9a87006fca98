"""The host, as resources see it: files, accounts and programs.

Resources touch the host only through this class, so that their logic can be tested on described
hosts, and so that atomic writes, error texts and output streaming exist once.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional

from provision.agent.failure import Failure
from provision.agent.host_files import FileStatus
from provision.agent.host_machine import Disk, Machine
from provision.agent.host_programs import TAIL_LINES, Emitter, tail
from provision.agent.host_writing import WritableFiles

__all__ = ["TAIL_LINES", "Disk", "Emitter", "FileStatus", "System", "tail"]


class System(WritableFiles, Machine):
    """A real host."""

    def __init__(self, emitter: Optional[Emitter] = None) -> None:
        self.emitter = emitter or Emitter()
        self.fetch_content: Callable[[str], Iterable[bytes]] = _no_content
        self.environment: Dict[str, str] = {}  # of the play, for every program
        self.is_cancelled: Callable[[], bool] = lambda: False
        self.is_cut_off: Callable[[], bool] = lambda: False  # by a lost connection, unasked
        self.memo: Dict[str, Any] = {}  # what was read once, each with a proof that it still holds
        self.at_end: List[Callable[[], None]] = []  # called when the session ends
        # called before, where the connection was lost, so that nobody else can put things right
        self.at_loss: List[Callable[[], None]] = []

    def download(
        self, url: str, *, headers: Optional[Dict[str, str]] = None, timeout: float = 30
    ) -> Iterator[bytes]:
        """Yield what a GET of ``url`` answers, in pieces; ``timeout`` (s) is for each wait.

        Raises:
            Failure: another answer than 200, or no whole one.

        """
        from provision.agent.download import download  # noqa: PLC0415 - costs 60 ms where unused

        return download(url, headers or {}, timeout, self.emitter.progress)


def _no_content(sha256: str) -> Iterable[bytes]:
    raise Failure("the content {} was not sent".format(sha256))
