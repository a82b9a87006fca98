"""The resources and queries, one noun a file; loaded when first used."""

import importlib
from typing import Any, Dict

_MODULES: Dict[str, str] = {
    "Apt": "apt",
    "BlockInFile": "block_in_file",
    "Copy": "copy",
    "Command": "command",
    "Directory": "directory",
    "Execute": "execute",
    "Facts": "facts",
    "File": "file",
    "Link": "link",
    "LineInFile": "line_in_file",
    "Systemd": "systemd",
}


def load(kind: str) -> Any:
    """Return the declaration class of that name."""
    module = importlib.import_module("provision.agent.resources." + _MODULES[kind])
    return getattr(module, kind)
