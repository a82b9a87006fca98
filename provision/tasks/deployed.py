"""What runs on a host from now on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Deployed:
    """A role's release on a host; ``images`` as the template names them -> as they are pulled."""

    role: str
    release: str
    images: Mapping[str, str] = field(default_factory=dict)
