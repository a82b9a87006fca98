"""The first code that runs on a host: import the agent from memory and start it.

Executed by a one-line ``python3 -c`` (see ``provision.transport.launch``) with two names defined:
``stream``, the binary standard input, positioned after this text; ``archive``, the zlib-compressed
JSON mapping of dotted module name to source text. Nothing is written to the host's disk. It holds
what every session needs; the modules of a resource come along with its first declaration, and are
compiled when they are imported, so a session pays only for the resources that it uses.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from types import ModuleType
    from typing import BinaryIO

    stream: BinaryIO
    archive: bytes


class MemoryFinder:
    """Finds and loads modules out of a dictionary of sources (``importlib``'s protocol)."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Return a spec when the module is ours, else None."""
        if fullname not in self.sources:
            return None
        # Each may turn out to be a package: the modules below it can come later.
        loader: object = self
        return ModuleSpec(fullname, loader, origin="<agent>", is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the creation of the module object to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Compile and run the module's source."""
        name = module.__name__
        exec(compile(self.sources[name], "<{}>".format(name), "exec"), module.__dict__)  # noqa: S102

    def get_source(self, fullname: str) -> str:
        """Return the module's text (for tracebacks)."""
        return self.sources[fullname]


sources = json.loads(zlib.decompress(archive))  # noqa: F821
sys.meta_path.insert(0, MemoryFinder(sources))

from provision.agent.session import serve  # noqa: E402

serve(stream, sources)  # noqa: F821
os._exit(0)  # everything is said; taking the interpreter down in order would cost 5 ms more
