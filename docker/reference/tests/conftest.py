"""Makes the package importable, with stubs that fit the protobuf runtime of this environment."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import stubs  # noqa: E402

if stubs.stale():
    stubs.generate()
