"""Files with several OpenPGP keys, and keys as text; the keys were made by GnuPG 2.4."""

from __future__ import annotations

import pytest

from provision.agent import openpgp
from provision.agent.failure import Failure

FIRST = "C9F3A8CE104FB1FC5598D05FAB07629FB1B43DC0"
SECOND = "8E34B389274D70F5BBAD2907476B4D7DCCF3723E"
BOTH = b"""\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawPFlhYJKwYBBAHaRw8BAQdAV3KK0n8otGDUa/Cv7aBJxw8JHq+sfFauvV4u
PFBf0L+0DXByb3Zpc2lvbiBsYWKIkAQTFgoAOBYhBMnzqM4QT7H8VZjQX6sHYp+x
tD3ABQJrA8WWAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEKsHYp+xtD3A
JMoBAJss0YJXUV4/3RZ54iJjvZnK7kU+52flFuzWDOQjY7aiAQD8b3Ba12k1ju2j
rWE/RXZ4mTFn1ok7YJlzM21ls1r8BpgzBGsDxZcWCSsGAQQB2kcPAQEHQHopQvIe
35LjirdqEJHiChWSPjJcl0cOE4WaPZa4BNLOtA1zb21lYm9keSBlbHNliJAEExYK
ADgWIQSONLOJJ01w9butKQdHa019zPNyPgUCawPFlwIbAwULCQgHAgYVCgkICwIE
FgIDAQIeAQIXgAAKCRBHa019zPNyPsv1AQDyCxoUk+tKE1RvdkhCvGRhu0re0geO
2zqmePmtTK+xvAD/Z0lz6uDkegJPRUfxHch21Mwi0LLXHHAPrXZ7zkY/YQQ=
=idQc
-----END PGP PUBLIC KEY BLOCK-----
"""


def test_of_several_keys_one_is_taken() -> None:
    data = openpgp.binary(BOTH)
    assert openpgp.fingerprints(data) == [FIRST, SECOND]
    keys = [openpgp.only(data, fingerprint) for fingerprint in (FIRST, SECOND)]
    assert [openpgp.fingerprints(key) for key in keys] == [[FIRST], [SECOND]]
    assert b"".join(keys) == data
    assert openpgp.only(data, "0" * 40) == b""


def test_armor_is_what_gnupg_writes() -> None:
    assert openpgp.armored(openpgp.binary(BOTH)) == BOTH


def test_a_web_page_is_no_key() -> None:
    with pytest.raises(Failure, match="not an OpenPGP public key"):
        openpgp.binary(b"<html>")
