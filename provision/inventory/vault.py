"""Ansible Vault: decrypts ``!vault`` values and encrypted variable files.

The format is that of Ansible's ``docs/vault_guide``: a header line, then hexadecimal text holding
salt, HMAC-SHA256 and AES-256-CTR ciphertext; the keys come from the password by PBKDF2.
"""

from __future__ import annotations

import os
import subprocess
from binascii import Error as HexError
from binascii import unhexlify
from pathlib import Path
from typing import NoReturn

from provision.errors import Location, UsageError
from provision.inventory.secrets import Secret, VaultedString
from provision.source import UNSAFE_TAG, LocatedString, Tags, location_of, parse_yaml, read_text

PASSWORD_FILE_VARIABLE = "ANSIBLE_VAULT_PASSWORD_FILE"  # noqa: S105 - a name, not a password

_HEADER = "$ANSIBLE_VAULT;"
_ITERATIONS = 10_000
_KEY_BYTES = 32
_IV_BYTES = 16
_NO_PASSWORD_HINT = (
    f"give the password with --vault-password-file FILE or in {PASSWORD_FILE_VARIABLE}"
)


def read_vault_password(path: Path | None = None) -> str | None:
    """Return the vault password from ``path`` or from the file in the environment, if there is one.

    As in Ansible, a file that may be executed is run, and prints the password.

    Raises:
        UsageError: when the file cannot be read or run, or holds nothing.

    """
    named = path or os.environ.get(PASSWORD_FILE_VARIABLE)
    if not named:
        return None
    file = Path(named).expanduser()
    runs = file.is_file() and os.access(file, os.X_OK)
    password = (_run(file) if runs else read_text(file)).strip()
    if not password:
        raise UsageError("the vault password is empty", where=Location(str(file)))
    return password


def _run(script: Path) -> str:
    try:
        done = subprocess.run([script.absolute()], stdout=subprocess.PIPE, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(
            f"the vault password script failed: {error}",
            where=Location(str(script)),
            hint="a plain password file must not be executable (chmod -x)",
        ) from None
    return done.stdout


class SealedValue:
    """A ``!vault`` value without a password: using it is an error, having it is not."""

    def __init__(self, ciphertext: LocatedString) -> None:
        self.ciphertext = str(ciphertext)
        self.location = location_of(ciphertext)

    def __repr__(self) -> str:
        return f"<vault value of {self.location}>"

    def refuse(self, *_: object) -> NoReturn:
        """Say that the value is needed and cannot be read."""
        raise UsageError(
            "this encrypted value is needed, but there is no vault password",
            where=self.location,
            hint=_NO_PASSWORD_HINT,
        )

    __str__ = __bool__ = __len__ = __iter__ = __format__ = refuse
    __eq__ = __ne__ = __contains__ = __getitem__ = __add__ = __radd__ = refuse
    __hash__ = object.__hash__


class Vault:
    """What turns encrypted text into plain text, given the password."""

    def __init__(self, password: str | None = None) -> None:
        self._password = password
        self.tags: Tags = {**UNSAFE_TAG, "!vault": self.open, "!vault-encrypted": self.open}

    def load_yaml(self, path: Path) -> object:
        """Read a YAML file that may hold encrypted values or be encrypted as a whole."""
        text = read_text(path)
        if not text.startswith(_HEADER):
            return parse_yaml(text, str(path), self.tags)
        where = Location(str(path))
        if self._password is None:
            raise UsageError(
                "this file is encrypted, but there is no vault password",
                where=where,
                hint=_NO_PASSWORD_HINT,
            )
        return _marked(parse_yaml(self._decrypt(text, where), str(path), self.tags))

    def open(self, ciphertext: LocatedString) -> VaultedString | SealedValue:
        """Return the plain text of one value; without a password, something to stand for it."""
        where = location_of(ciphertext)
        if not ciphertext.startswith(_HEADER):
            raise UsageError(f"a !vault value must begin with {_HEADER}", where=where)
        if self._password is None:
            return SealedValue(ciphertext)
        value = VaultedString(self._decrypt(ciphertext, where))
        value.location = ciphertext.location
        value.ciphertext = str(ciphertext)
        return value

    def _decrypt(self, envelope: str, where: Location | None) -> str:
        header, *lines = envelope.split()
        if header.split(";")[2:3] != ["AES256"]:
            raise UsageError(f"unknown vault format {header!r}", where=where)
        try:
            salt, mac, body = map(unhexlify, unhexlify("".join(lines)).split(b"\n", 2))
        except (HexError, ValueError):
            raise UsageError("this vault text is damaged: not hexadecimal", where=where) from None
        plain = _decrypt_aes256((self._password or "").encode(), salt, mac, body)
        if plain is None:
            raise UsageError(
                "the vault password does not fit this text",
                where=where,
                hint="check --vault-password-file; a damaged text looks the same",
            )
        return plain.decode()


def _decrypt_aes256(password: bytes, salt: bytes, mac: bytes, body: bytes) -> bytes | None:
    """Return the plain text, or None where the authentication code does not match."""
    # Imported here: it costs a tenth of a second, and most inventories have no vault.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, hmac, padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    length = 2 * _KEY_BYTES + _IV_BYTES
    keys = PBKDF2HMAC(hashes.SHA256(), length, salt, _ITERATIONS).derive(password)
    key, mac_key, counter = keys[:_KEY_BYTES], keys[_KEY_BYTES:-_IV_BYTES], keys[-_IV_BYTES:]
    expected = hmac.HMAC(mac_key, hashes.SHA256())
    expected.update(body)
    try:
        expected.verify(mac)
    except InvalidSignature:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    unpadder = padding.PKCS7(algorithms.AES.block_size).unpadder()
    padded = decryptor.update(body) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _marked(value: object) -> object:
    """Mark, in place, every text of a decrypted file as secret."""
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _marked(item)
    elif isinstance(value, list):
        value[:] = [_marked(item) for item in value]
    elif isinstance(value, LocatedString) and not isinstance(value, Secret):
        secret = Secret(value)
        secret.location = value.location
        return secret
    return value
