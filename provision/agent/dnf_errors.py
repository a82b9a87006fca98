"""What dnf's error messages mean for the person who has to act on them."""

from __future__ import annotations

import re
from typing import Sequence, Tuple

from provision.agent.failure import Failure
from provision.agent.system import tail

# A pattern of the output, what it means ({} is what the pattern's group found), and what to do.
_MEANINGS: Sequence[Tuple[str, str, str]] = (
    (
        r"(?:No match for argument|Unable to find a match|No matches to unlock): (.+)",
        "there is no package {}",
        "check its name and version (dnf list --showduplicates NAME); it may need a repository",
    ),
    (r"(?:No space left on device|needs? .* more space)", "the disk is full", "free some space"),
    (
        r"This command has to be run with superuser|Permission denied|privileges",
        "only root may change packages",
        "set `become: true`",
    ),
    (
        r"signature verification error|GPG signature is not available|Bad GPG signature",
        "the repository's metadata is not signed by the key that it should be",
        "nothing of it was taken; ask its owner before you trust another key",
    ),
    (
        r"GPG check FAILED|is not signed|public key is not installed",
        "a package is not signed by a key that the host trusts",
        "import the repository's key, or set its gpgkey",
    ),
    (
        r"Failed to download metadata for repo '([^']+)'",
        "the repository {} cannot be read",
        "check its address, and the host's network, DNS and proxy settings",
    ),
    (
        r"nothing provides|conflicting requests|Problem:",
        "packages depend on others that cannot be installed",
        "see the versions that conflict in the log; a versionlock may be in the way",
    ),
)


def why(verb: str, output: str) -> Failure:
    """Return the failure that a person can act on."""
    for pattern, meaning, hint in _MEANINGS:
        found = re.search(pattern, output)
        if found is not None:
            what = found.group(1).strip() if found.groups() else ""
            message = "dnf {}: {}".format(verb, meaning.format(what))
            return Failure(message, log=tail(output), hint=hint)
    return Failure("dnf {} failed".format(verb), log=tail(output))
