"""AWS through boto3, imported when first used, and its errors in words that lead somewhere."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from provision.errors import Location, UsageError

INSTALL = "pip install 'generals-provision[aws]'"
_CONNECT_TIMEOUT = 5  # seconds
_READ_TIMEOUT = 30  # seconds
_ATTEMPTS = 3
# What of the environment decides whose account is asked, beside what is given.
_IDENTITY = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL")

_FORBIDDEN = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
# AWS's words, or boto3's exceptions; what they mean; what to do about it.
_MEANINGS: tuple[tuple[set[str], str, str], ...] = (
    (
        {
            "ConnectTimeoutError",
            "ConnectionClosedError",
            "EndpointConnectionError",
            "ProxyConnectionError",
            "ReadTimeoutError",
            "SSLError",
        },
        "AWS does not answer ({error})",
        "check the network, the region's name, proxies (HTTPS_PROXY) and AWS_ENDPOINT_URL",
    ),
    (
        {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"},
        "there are no AWS credentials",
        "aws configure, AWS_PROFILE, or `profile:`",
    ),
    (
        {"SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"},
        "the sign-in has expired",
        "aws sso login",
    ),
    (
        {"ExpiredToken", "ExpiredTokenException", "RequestExpired"},
        "the AWS credentials have expired",
        "get new ones; is this machine's clock right?",
    ),
    (
        {
            "AuthFailure",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        },
        "AWS does not accept the credentials",
        "check the profile or the access key",
    ),
    (
        _FORBIDDEN,
        "the account may not call {operation}",
        "allow {operation} in its IAM policy",
    ),
    (
        {"ProfileNotFound"},
        "{error}",
        "`aws configure list-profiles` says which there are",
    ),
    (
        {"NoRegionError"},
        "no region is given",
        "set AWS_DEFAULT_REGION, or `regions:`",
    ),
)


class AwsError(UsageError):
    """AWS could not be asked, or refused; ``code`` is AWS's own word for it, or the exception's."""

    code = ""

    @property
    def forbidden(self) -> bool:
        """Whether AWS knows who asks, and does not allow it."""
        return self.code in _FORBIDDEN


@dataclass(frozen=True, kw_only=True)
class Access:
    """Whose account to ask; None leaves a setting to boto3's own search (environment, files, role).

    Args:
        profile: a section of ``~/.aws/config``.
        role_arn: a role to assume with these credentials.
        endpoint_url: a server other than AWS's own.
        ca_bundle: a file of certificates to trust.

    """

    profile: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    role_arn: str | None = None
    endpoint_url: str | None = None
    ca_bundle: str | None = None

    def identity(self) -> str:
        """Return what tells accounts apart, in no readable form."""
        given = (self.profile, self.access_key, self.role_arn, self.endpoint_url)
        parts = [*given, *(os.environ.get(name) for name in _IDENTITY)]
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def aws_for(access: Access) -> Aws:
    """Return AWS as seen with this access; made once, which takes boto3 a while.

    Raises:
        UsageError: boto3 is not installed.
        AwsError: the profile does not exist, or the role may not be assumed.

    """
    return _shared(access, access.identity())


@lru_cache(maxsize=16)
def _shared(access: Access, identity: str) -> Aws:
    return Aws(access)


class Aws:
    """AWS's services, as one account sees them; may be used from many threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()  # making a client is not safe in threads, using it is
        self._clients: dict[tuple[str, str | None], Any] = {}
        with explained("AWS"):
            self._session = _session(access)
            if access.role_arn is not None:
                self._session, self._clients = _assumed(self, access.role_arn), {}

    def client(self, service: str, region: str | None = None) -> Any:
        """Return boto3's client of a service; without a region, that of the configuration."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._new_client(service, region)
            return self._clients[service, region]

    def _new_client(self, service: str, region: str | None) -> Any:
        from botocore.config import Config

        settings = Config(
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=_READ_TIMEOUT,
            retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        )
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self._access.endpoint_url,
            verify=self._access.ca_bundle,
            config=settings,
        )

    def regions(self, service: str) -> list[str]:
        """Return the regions that boto3 has heard of; AWS may have newer ones."""
        return [str(name) for name in self._session.get_available_regions(service)]

    @property
    def region(self) -> str | None:
        """The region of the environment or the configuration, if one of them names one."""
        region: str | None = os.environ.get("AWS_REGION") or self._session.region_name
        return region


def _session(access: Access) -> Any:
    try:
        import boto3
    except ImportError:
        raise UsageError(
            "asking AWS needs boto3, which is not installed", hint=f"install it: {INSTALL}"
        ) from None
    return boto3.session.Session(
        profile_name=access.profile,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.session_token,
    )


def _assumed(aws: Aws, role_arn: str) -> Any:
    import boto3

    answer = aws.client("sts", aws.region or "us-east-1").assume_role(
        RoleArn=role_arn, RoleSessionName="provision"
    )
    given = answer["Credentials"]
    return boto3.session.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=aws.region,
    )


@contextmanager
def explained(doing: str, where: Location | None = None) -> Iterator[None]:
    """Raise what boto3 raises inside as an ``AwsError``; ``doing`` says what was attempted."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith(("boto3", "botocore")):
            raise
        code = _code(error)
        message, hint = _meaning(code, error)
        explanation = AwsError(f"{doing}: {message}", where=where, hint=hint)
        explanation.code = code
        raise explanation from error


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def _meaning(code: str, error: Exception) -> tuple[str, str | None]:
    operation = str(getattr(error, "operation_name", "the request"))
    words = {"operation": operation, "error": str(error).rstrip(".")}
    for codes, meaning, hint in _MEANINGS:
        if code in codes:
            return meaning.format(**words), hint.format(**words)
    said = str(error).partition(f"{operation} operation: ")[2] or str(error)
    return said.rstrip("."), None
