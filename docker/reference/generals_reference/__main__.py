"""All commands of the image: ``python3 -m generals_reference NAME``, or a link of that name."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import prometheus_client

COMMANDS = {
    "game-server": "generals_reference.game_server",
    "experience-buffer": "generals_reference.buffer_server",
    "model-server": "generals_reference.model_server",
    "agent": "generals_reference.agent",
    "trainer": "generals_reference.trainer",
}


def main() -> None:
    """Run the command named by the program's name or by its first argument."""
    name = Path(sys.argv[0]).name
    if name not in COMMANDS:
        name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        sys.exit(f"usage: python3 -m generals_reference {{{','.join(COMMANDS)}}}")
    prometheus_client.disable_created_metrics()  # one series fewer for every counter
    try:
        command = importlib.import_module(COMMANDS[name])
    except ModuleNotFoundError as error:
        sys.exit(f"{name}: this image has no {error.name}")
    command.main()


if __name__ == "__main__":
    main()
