"""Just enough of OpenPGP (RFC 4880) to tell which key a file holds, without gpg on the host."""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import Iterator, List, Tuple

from provision.agent.failure import Failure

_PUBLIC_KEY = 6  # the tag of a primary key's packet
_VERSION = 4
_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----(?P<body>.*?)-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)


def binary(key: bytes) -> bytes:
    """Return a key, armored (one block or several) or not, in the form without armor.

    Raises:
        Failure: it is no OpenPGP public key.

    """
    blocks = [_dearmored(match.group("body")) for match in _ARMOR.finditer(key)]
    data = b"".join(blocks) or key
    if not fingerprints(data):
        raise Failure(
            "this is not an OpenPGP public key",
            found=key[:60].decode("ascii", "replace"),
            hint="check the key's URL: some servers answer with a web page",
        )
    return data


def fingerprints(data: bytes) -> List[str]:
    """Return the fingerprints of the primary keys in ``data``, in upper-case hexadecimal."""
    return [
        hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324 - what a version 4 fingerprint is
        for tag, body in _packets(data)
        if tag == _PUBLIC_KEY and body[:1] == bytes((_VERSION,))
    ]


def _dearmored(body: bytes) -> bytes:
    """Decode what stands between the two lines of an armor: headers, base64, a checksum."""
    _, _, text = body.replace(b"\r", b"").partition(b"\n\n")
    lines = [line for line in text.splitlines() if line and not line.startswith(b"=")]
    try:
        return binascii.a2b_base64(b"".join(lines))
    except binascii.Error as error:
        raise Failure("the armor of this OpenPGP key is broken: {}".format(error)) from None


def _packets(data: bytes) -> Iterator[Tuple[int, bytes]]:
    """Yield tag and body of each packet; stops where the data is none (section 4.2)."""
    at = 0
    while at < len(data) and data[at] & 0x80:
        head = data[at]
        is_new = bool(head & 0x40)
        tag = head & 0x3F if is_new else (head & 0x3C) >> 2
        start, length = _new_length(data, at) if is_new else _old_length(data, at)
        if start + length > len(data):
            return
        yield tag, data[start : start + length]
        at = start + length


def _old_length(data: bytes, at: int) -> Tuple[int, int]:
    kind = data[at] & 0x03
    if kind == 3:  # noqa: PLR2004 - indeterminate: up to the end
        return at + 1, len(data) - at - 1
    start = at + 1 + (1 << kind)
    return start, int.from_bytes(data[at + 1 : start], "big")


def _new_length(data: bytes, at: int) -> Tuple[int, int]:
    first = data[at + 1] if at + 1 < len(data) else 0
    if first < 192:  # noqa: PLR2004 - the three ranges of section 4.2.2
        return at + 2, first
    if first < 224:  # noqa: PLR2004
        return at + 3, ((first - 192) << 8) + int.from_bytes(data[at + 2 : at + 3], "big") + 192
    return at + 6, int.from_bytes(data[at + 2 : at + 6], "big")
