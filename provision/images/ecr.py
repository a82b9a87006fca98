"""Logins at Amazon's ECR: a token for some hours, asked for here, held in memory alone."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import NamedTuple

from provision.aws import Access, aws_for, explained
from provision.errors import TaskError, UsageError

# 123456789012.dkr.ecr.eu-west-1.amazonaws.com, …dkr.ecr-fips.…, and …dkr-ecr.eu-west-1.on.aws
_SERVER = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+(:\d+)?"
)


class EcrLogin(NamedTuple):
    """What ECR takes for a while instead of AWS credentials."""

    username: str
    password: str
    expires: datetime


def ecr_login(server: str, profile: str | None = None) -> EcrLogin:
    """Ask ECR for a login at one of its registries.

    Args:
        server: the registry's name, which holds its account and region.
        profile: whose credentials to use; else boto3's own search decides.

    Raises:
        TaskError: the name is not one of ECR's; AWS refuses; the token has expired already.

    """
    match = _SERVER.fullmatch(server)
    if match is None:
        raise TaskError(
            f"{server!r} is no registry of ECR",
            hint="ECR's are called 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        )
    try:
        with explained(f"ECR in {match['region']}"):
            client = aws_for(Access(profile=profile or None)).client("ecr", match["region"])
            answer = client.get_authorization_token(registryIds=[match["account"]])
    except UsageError as error:
        raise TaskError(error.message, hint=error.hint) from error
    given = answer["authorizationData"][0]
    username, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
    login = EcrLogin(username, password, given["expiresAt"])
    if login.expires <= datetime.now(UTC):
        ended = login.expires.isoformat(" ", "minutes")
        raise TaskError(
            f"the token that ECR gave for {server} has expired at {ended}",
            hint="is this machine's clock right?",
        )
    return login
