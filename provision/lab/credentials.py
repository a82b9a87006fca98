"""The lab's own keys, certificates and passwords: made once, kept in one private directory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from provision.lab.layout import REGISTRY_HOST

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, KeyUsage

REGISTRY_USER = "lab"
_YEARS = timedelta(days=3650)


@dataclass(frozen=True)
class Credentials:
    """Where the lab's secrets are; all files are 0600 in a directory of mode 0700."""

    directory: Path

    @property
    def key(self) -> Path:
        """The private SSH key of the login user ``ops``."""
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The host keys of the lab's hosts."""
        return self.directory / "known_hosts"

    @property
    def ca(self) -> Path:
        """The certificate of the lab's own authority."""
        return self.directory / "ca.crt"

    @property
    def registry_certificate(self) -> Path:
        """The registry's certificate; its key lies beside it."""
        return self.directory / "registry.crt"

    @property
    def registry_key(self) -> Path:
        """The registry's private key."""
        return self.directory / "registry.key"

    def password_file(self, service: str) -> Path:
        """Return the file holding the password of ``service``."""
        return self.directory / f"{service}-password"

    def password(self, service: str) -> str:
        """Return the password of ``service``."""
        return self.password_file(service).read_text(encoding="utf-8")

    def public_key(self) -> str:
        """Return the line for an ``authorized_keys`` file."""
        return self.key.with_suffix(".pub").read_text(encoding="utf-8")

    def fingerprint(self) -> str:
        """Return what tells these credentials from any others, and nothing about them."""
        public = self.public_key().encode() + self.registry_certificate.read_bytes()
        return hashlib.sha256(public).hexdigest()[:12]

    def ensure(self) -> None:
        """Make whatever is missing; what is there stays as it is."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        if not self.key.with_suffix(".pub").exists():
            _make_ssh_key(self.key)
        if not self.registry_certificate.exists():
            _make_registry_certificate(self)
        for service in ("registry", "redis", "grafana"):
            if not self.password_file(service).exists():
                write_private(self.password_file(service), secrets.token_urlsafe(24).encode())

    def remove(self) -> None:
        """Remove what ``ensure`` made and the lab wrote; anything else in the directory stays."""
        passwords = self.directory.glob("*-password")
        for path in (
            *(self.key, self.key.with_suffix(".pub"), self.known_hosts, self.ca),
            *(self.registry_certificate, self.registry_key, self.directory / "lock", *passwords),
        ):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.directory.rmdir()


def write_private(path: Path, content: bytes) -> None:
    """Write ``content`` so that at no moment anybody else can read it, nor half of it be read."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


def _make_ssh_key(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    write_private(path, private)
    write_private(path.with_suffix(".pub"), public + b" provision-lab\n")


def _make_registry_certificate(credentials: Credentials) -> None:
    """Make an authority, sign one server certificate with it, and forget the authority's key."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("provision lab CA", authority_key, authority_key, authority=True)
    server = _certificate(REGISTRY_HOST, server_key, authority_key, issuer=authority)
    private = server_key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    write_private(credentials.ca, authority.public_bytes(form.Encoding.PEM))
    write_private(credentials.registry_key, private)
    write_private(credentials.registry_certificate, server.public_bytes(form.Encoding.PEM))


def _signs_certificates() -> KeyUsage:
    from cryptography.x509 import KeyUsage

    return KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    signing_key: EllipticCurvePrivateKey,
    *,
    issuer: Certificate | None = None,
    authority: bool = False,
) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName("localhost")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority:
        builder = builder.add_extension(_signs_certificates(), critical=True)
    else:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signing_key, hashes.SHA256())
