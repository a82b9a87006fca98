"""An AWS of the tests' own: moto's server over HTTP, emptied before each test."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from provision.lab.lab import Lab
from tests.labs import lab_for

REGION = "eu-west-1"
IMAGE = "ami-12c6146b"  # moto knows it


@dataclass(frozen=True)
class Account:
    """An account at that AWS."""

    url: str

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(service, region_name=region)

    def start(self, name: str | None = None, *, region: str = REGION, **settings: Any) -> str:
        """Start an instance and return its id; ``tags`` and what ``run_instances`` takes."""
        tags = {**({"Name": name} if name else {}), **settings.pop("tags", {})}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        if pairs:
            settings["TagSpecifications"] = [{"ResourceType": "instance", "Tags": pairs}]
        answer = self.client("ec2", region).run_instances(
            ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="g5.xlarge", **settings
        )
        return str(answer["Instances"][0]["InstanceId"])


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """An account without anything in it; boto3 finds it by its usual variables."""
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_CONFIG_FILE": str(tmp_path / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-aws-credentials"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reset = urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()
    return Account(moto_url)


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One bare host, which stands for the instances; moto's own run nothing."""
    with lab_for("ec2", tmp_path_factory) as made:
        made.up(1, with_images=False)
        yield made
