"""Just enough of OpenPGP (RFC 4880) to tell which key a file holds, without gpg on the host."""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import Iterator, List, Tuple

from provision.agent.failure import Failure

_PUBLIC_KEY = 6  # the tag of a primary key's packet
_LINE = 48  # bytes of a line of armor, which makes 64 characters
_CRC24 = (0xB704CE, 0x1864CFB)  # section 6.1: how the checksum begins, and its polynomial
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
    data = dearmored(key)
    if not fingerprints(data):
        raise Failure(
            "this is not an OpenPGP public key",
            found=key[:60].decode("ascii", "replace"),
            hint="check the key's URL: some servers answer with a web page",
        )
    return data


def dearmored(key: bytes) -> bytes:
    """Return what the armor of a key holds, or what has none as it is."""
    return b"".join(_decoded(match.group("body")) for match in _ARMOR.finditer(key)) or key


def fingerprints(data: bytes) -> List[str]:
    """Return the fingerprints of the primary keys in ``data``, in upper-case hexadecimal."""
    return [fingerprint for fingerprint, _ in _keys(data) if fingerprint]


def only(data: bytes, fingerprint: str) -> bytes:
    """Return the one key of ``data`` that has the fingerprint; b"" where there is none.

    A file may hold further keys, and whoever trusts the file would trust all of them.
    """
    return b"".join(key for found, key in _keys(data) if found == fingerprint)


def armored(data: bytes) -> bytes:
    """Return a key as text, which is the form that rpm reads."""
    lines = [
        binascii.b2a_base64(data[at : at + _LINE], newline=False)
        for at in range(0, len(data), _LINE)
    ]
    checksum = b"=" + binascii.b2a_base64(_crc24(data).to_bytes(3, "big"), newline=False)
    begin, end = (b"-----" + verb + b" PGP PUBLIC KEY BLOCK-----" for verb in (b"BEGIN", b"END"))
    return b"\n".join([begin, b"", *lines, checksum, end, b""])


def _keys(data: bytes) -> Iterator[Tuple[str, bytes]]:
    """Yield fingerprint and packets of each key; "" for one whose version is not ours."""
    starts = [(at, body) for at, tag, body in _packets(data) if tag == _PUBLIC_KEY]
    ends = [at for at, _ in starts[1:]] + [len(data)]
    for (start, body), end in zip(starts, ends):  # noqa: B905 - Python 3.8
        is_known = body[:1] == bytes((_VERSION,))
        yield _fingerprint(body) if is_known else "", data[start:end]


def _fingerprint(body: bytes) -> str:
    packet = b"\x99" + len(body).to_bytes(2, "big") + body
    return hashlib.sha1(packet).hexdigest().upper()  # noqa: S324 - what a version 4 fingerprint is


def _crc24(data: bytes) -> int:
    checksum, polynomial = _CRC24
    for byte in data:
        checksum ^= byte << 16
        for _ in range(8):
            checksum <<= 1
            if checksum & 0x1000000:
                checksum ^= polynomial
    return checksum


def _decoded(body: bytes) -> bytes:
    """Decode what stands between the two lines of an armor: headers, base64, a checksum."""
    _, _, text = body.replace(b"\r", b"").partition(b"\n\n")
    lines = [line for line in text.splitlines() if line and not line.startswith(b"=")]
    try:
        return binascii.a2b_base64(b"".join(lines))
    except binascii.Error as error:
        raise Failure("the armor of this OpenPGP key is broken: {}".format(error)) from None


def _packets(data: bytes) -> Iterator[Tuple[int, int, bytes]]:
    """Yield place, tag and body of each packet; stops where the data is none (section 4.2)."""
    at = 0
    while at < len(data) and data[at] & 0x80:
        head = data[at]
        is_new = bool(head & 0x40)
        tag = head & 0x3F if is_new else (head & 0x3C) >> 2
        start, length = _new_length(data, at) if is_new else _old_length(data, at)
        if start + length > len(data):
            return
        yield at, tag, data[start : start + length]
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
