"""Writes ``recorded.json``: what the real ``amazon.aws`` plugin makes of ``cases.yml``.

    ANSIBLE_COLLECTIONS_PATH=DIR python -m tests.unit.inventory.ec2.record

DIR holds ``ansible_collections/amazon/aws``, which the package ``ansible`` on PyPI ships. Both
tools ask the same moto server; the answers that it gave are recorded with what Ansible printed, so
that the tests need neither. Recording fails where our output is another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from provision.inventory.ec2.cache import to_json
from provision.inventory.ec2.config import read_config
from provision.inventory.ec2.query import Query
from provision.source import load_yaml, parse_yaml, plain

from .listing import Listing, descriptions, reduced

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ec2"
FLEET = [
    ("eu-west-1", "g5.xlarge", {"Name": "gpu-1", "Role": "trainer", "Team": "rl", "Port": "2222"}),
    ("eu-west-1", "g5.xlarge", {"Name": "gpu-2", "Role": "trainer", "Stage": "prod", "Team": ""}),
    ("eu-west-1", "c6i.large", {"Name": "buf-1", "Role": "experience_buffer", "Team": "a b/ü"}),
    ("us-east-1", "c6i.large", {"Name": "agt-1", "Role": "agent_pool", "Odd": "a:b"}),
    ("eu-north-1", "g5.xlarge", {"Name": "off-1", "Role": "trainer"}),
]


def start_fleet() -> None:
    for region, kind, tags in FLEET:
        ec2 = boto3.client("ec2", region_name=region)
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        started = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            InstanceType=kind,
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
        )["Instances"]
        if tags["Name"].startswith("off"):
            ec2.stop_instances(InstanceIds=[started[0]["InstanceId"]])


def printed(*argv: str) -> Listing:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listing: Listing = json.loads(done.stdout)
    return listing


def both(case: dict[str, Any], file: Path) -> tuple[Listing, list[Any]]:
    """Return what both tools print, and the instances that it is about."""
    file.write_text(f"plugin: amazon.aws.aws_ec2\n{case['file']}")
    arguments = ["-i", str(file), "--list"]
    ansible = printed(str(Path(sys.executable).with_name("ansible-inventory")), *arguments)
    ours = printed(sys.executable, "-m", "provision", "inventory", *arguments)
    assert ours == ansible, f"{case['name']}\n{json.dumps(ours)}\n{json.dumps(ansible)}"
    data: Any = parse_yaml(file.read_text(), str(file))
    return ansible, [vars(one) for one in Query(read_config(data, file)).ask().found]


def record(directory: Path) -> dict[str, Any]:
    instances: dict[str, Any] = {}
    recorded: dict[str, Any] = {}
    known: dict[str, Any] = {}
    cases: Any = plain(load_yaml(FIXTURES / "cases.yml"))
    for case in cases:
        listing, found = both(case, directory / "case.aws_ec2.yml")
        by_id = {one["instance"]["InstanceId"]: one for one in found}
        instances.update({name: {**one, "asked_state": False} for name, one in by_id.items()})
        recorded[case["name"]] = {"found": list(by_id), "listing": reduced(listing, known)}
        known = known or descriptions(listing)
        print(case["name"], len(by_id))
    return {"instances": instances, "cases": recorded}


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "LC_ALL": "C.UTF-8"}
    os.environ.update(
        keys, AWS_ENDPOINT_URL=f"http://{host}:{port}", AWS_DEFAULT_REGION="eu-west-1"
    )
    start_fleet()
    with tempfile.TemporaryDirectory() as directory:
        recorded = record(Path(directory))
    text = json.dumps(recorded, sort_keys=True, default=to_json, ensure_ascii=False, indent=1)
    (FIXTURES / "recorded.json").write_text(text + "\n")
    server.stop()


if __name__ == "__main__":
    main()
