"""What boto3 raises, in words that lead somewhere."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest
from botocore import exceptions

from provision.aws import Access, AwsError, aws_for, explained
from provision.errors import Location, UsageError

WHERE = Location("prod.yml", 2, 1)


def refusal(code: str, message: str = "no") -> exceptions.ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return exceptions.ClientError(answer, "DescribeInstances")


CASES = [
    (refusal("UnauthorizedOperation"), "the account may not call DescribeInstances", "IAM policy"),
    (refusal("AccessDeniedException"), "the account may not call DescribeInstances", "IAM policy"),
    (refusal("AuthFailure"), "AWS does not accept the credentials", "access key"),
    (refusal("RequestExpired"), "credentials have expired", "clock"),
    (refusal("ExpiredTokenException"), "credentials have expired", "clock"),
    (
        refusal("InvalidParameterValue", "The filter 'tga:Name' is invalid"),
        "EC2: The filter 'tga:Name' is invalid",
        None,
    ),
    (exceptions.NoCredentialsError(), "no AWS credentials", "aws configure"),
    (exceptions.EndpointConnectionError(endpoint_url="https://e"), "does not answer", "network"),
    (exceptions.ConnectTimeoutError(endpoint_url="https://e"), "does not answer", "AWS_ENDPOINT"),
    (exceptions.ProfileNotFound(profile="p"), "profile (p) could not be found", "list-profiles"),
    (exceptions.NoRegionError(), "no region is given", "AWS_DEFAULT_REGION"),
    (exceptions.UnauthorizedSSOTokenError(), "sign-in has expired", "aws sso login"),
]


@pytest.mark.parametrize(("raised", "message", "hint"), CASES, ids=lambda case: str(case)[:40])
def test_explained(raised: Exception, message: str, hint: str | None) -> None:
    with pytest.raises(AwsError) as caught, explained("EC2", WHERE):
        raise raised
    error = caught.value
    assert message in error.message
    assert error.message.startswith("EC2: ")
    assert error.where == WHERE
    assert hint in (error.hint or "") if hint else error.hint is None


def test_what_is_forbidden_is_told_from_the_rest() -> None:
    codes = {"UnauthorizedOperation": True, "AuthFailure": False}
    for code, forbidden in codes.items():
        with pytest.raises(AwsError) as caught, explained("EC2"):
            raise refusal(code)
        assert caught.value.forbidden is forbidden


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(ZeroDivisionError), explained("EC2"):
        raise ZeroDivisionError


def test_without_boto3_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.partition(".")[0] == "boto3":
            raise ImportError(name)
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.delitem(sys.modules, "boto3", raising=False)
    with pytest.raises(UsageError, match="needs boto3, which is not installed") as caught:
        aws_for(Access(endpoint_url="http://nowhere.test"))
    assert caught.value.hint == "install it: pip install 'generals-provision[aws]'"


def test_keys_are_not_shown() -> None:
    access = Access(access_key="AKIAX", secret_key="s3cret-key", session_token="t0ken")
    assert not any(text in repr(access) for text in ("AKIAX", "s3cret-key", "t0ken"))
    assert "AKIAX" not in access.identity()
