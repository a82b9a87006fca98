"""The parts of an EC2 inventory that need no EC2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provision.errors import UsageError
from provision.inventory.ec2.attributes import attribute
from provision.inventory.ec2.config import read_config
from provision.inventory.ec2.query import Answer, Found
from provision.inventory.ec2.source import populate
from provision.inventory.ec2.variables import snake
from provision.inventory.graph import Graph
from provision.inventory.inventory import Inventory
from provision.inventory.patterns import NoHostsError
from provision.inventory.secrets import secret_values
from provision.source import parse_yaml

Load = Callable[..., Inventory]


def instance(name: str, **fields: Any) -> Found:
    described = {
        "InstanceId": f"i-{name}",
        "Placement": {"AvailabilityZone": "eu-west-1b"},
        "PrivateIpAddress": f"10.0.0.{len(name)}",
        "State": {"Code": 16, "Name": "running"},
        "Tags": [{"Key": "Name", "Value": name}, *fields.pop("tags", [])],
        **fields,
    }
    return Found("eu-west-1", described)


def load(options: str, *found: Found, notices: tuple[str, ...] = ()) -> Inventory:
    text = f"plugin: aws_ec2\nhostnames: [tag:Name]\n{options}"
    data: Any = parse_yaml(text, "x.yml")
    graph = Graph()
    populate(graph, read_config(data, Path("x.yml")), Answer(found, notices))
    return Inventory(graph)


@pytest.mark.parametrize(
    ("camel", "expected"),
    [
        ("InstanceId", "instance_id"),
        ("PublicDnsName", "public_dns_name"),
        ("EbsOptimized", "ebs_optimized"),
        ("TargetGroupARNs", "target_group_arns"),
        ("VpcId", "vpc_id"),
        ("Ipv6Addresses", "ipv6_addresses"),
        ("HTTPEndpoint", "http_endpoint"),
        ("ENIs", "enis"),
    ],
)
def test_snake_case_is_that_of_ansible(camel: str, expected: str) -> None:
    pytest.importorskip("ansible")
    from ansible.module_utils.common.dict_transformations import _camel_to_snake

    assert snake(camel) == _camel_to_snake(camel) == expected


def test_attributes_go_through_lists() -> None:
    interfaces = [{"MacAddress": "a"}, {"MacAddress": "b"}, {}]
    assert attribute({"NetworkInterfaces": interfaces}, "network-interface.mac-address") == [
        "a",
        "b",
    ]
    assert attribute({}, "ip-address") == []


def test_many_instances_left_out_are_counted() -> None:
    stopped = [instance(f"s{n:02}", State={"Name": "stopped"}) for n in range(13)]
    (notice,) = load("", *stopped).warnings()
    assert notice.startswith("x.yml: stopped, left out: s00 (i-s00), s01 (i-s01)")
    assert notice.endswith("s09 (i-s09) and 3 more")


def test_an_instance_without_a_name_is_left_out_and_told() -> None:
    nameless = Found("eu-west-1", {**instance("a").instance, "Tags": []})
    inventory = load("", nameless)
    assert not inventory.hosts
    (notice,) = inventory.warnings()
    assert notice == "x.yml: named by nothing that `hostnames` asks for, left out: i-a"


def test_a_variable_that_no_host_gets_is_told() -> None:
    inventory = load("compose: {ansible_user: ubuntu, there: tags.Name}", instance("a"))
    assert "ansible_user" not in inventory.variables("a")
    (notice,) = inventory.warnings()
    assert notice.startswith("x.yml:3:11: compose: no host gets ansible_user")
    assert notice.endswith("quote it twice: \"'ubuntu'\"")


def test_a_keyed_group_that_no_host_is_in_is_told() -> None:
    keyed = "keyed_groups: [{key: tags.Rol}, {key: tags.Name}]"
    (notice,) = load(keyed, instance("a")).warnings()
    assert notice == "x.yml:3:17: keyed_groups: no host has tags.Rol, so no group comes of it"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("regions: [eu-west-1]", "there is no instance in eu-west-1"),
        ("filters: {tag:Role: [a, b]}", "no instance in any region with tag:Role=a|b"),
        ("exclude_filters: [{tag:Role: a}]", "beside those of exclude_filters"),
    ],
)
def test_that_there_is_no_instance_is_told(options: str, words: str) -> None:
    inventory = load(f"{options}\nkeyed_groups: [{{key: tags.Role}}]")
    (notice,) = inventory.warnings()
    assert words in notice
    with pytest.raises(NoHostsError) as caught:
        inventory.match("all")
    assert caught.value.hint == notice


def test_what_some_hosts_lack_is_passed_over() -> None:
    tagged = instance("b", tags=[{"Key": "Port", "Value": "22"}])
    inventory = load("compose: {port: tags.Port}", instance("a"), tagged)
    assert "port" not in inventory.variables("a")
    assert inventory.variables("b")["port"] == "22"
    assert inventory.warnings() == []


@pytest.mark.parametrize(
    "options",
    [
        "compose: {port: tags.Port}",
        "groups: {ports: tags.Port == '1'}",
        "keyed_groups: [{key: tags.Port}]",
        "keyed_groups: [{key: \"''\"}]",
    ],
)
def test_strict_passes_nothing_over(options: str) -> None:
    load(options, instance("a"))
    with pytest.raises(UsageError, match="host a: ") as caught:
        load(f"strict: true\n{options}", instance("a"))
    assert caught.value.where is not None
    assert caught.value.where.line == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("compose: {x: 'a +'}", "template syntax"),
        ("compose: {x: \"tags | json_query('[]')\"}", "json_query"),
        ("groups: {x: tags.Name}", "neither true nor false"),
        ("keyed_groups: [{key: '7'}]", "must be a text, a list or a mapping, it is 7"),
        ("hostnames: [tag:Name | nosuch]", "nosuch"),
    ],
)
def test_what_is_wrong_in_itself_is_an_error_without_strict_too(options: str, message: str) -> None:
    text = options if options.startswith("hostnames") else f"hostnames: [tag:Name]\n{options}"
    data: Any = parse_yaml(f"plugin: aws_ec2\n{text}", "x.yml")
    with pytest.raises(UsageError) as caught:
        populate(Graph(), read_config(data, Path("x.yml")), Answer((instance("a"),), ()))
    assert message in caught.value.message
    assert caught.value.where is not None
    assert caught.value.where.path == "x.yml"


def test_a_host_and_a_group_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="'trainer' names both a group and a host"):
        load('keyed_groups: [{key: tags.Name, separator: ""}]', instance("trainer"))


def test_settings_that_speak_of_tokens_are_no_secrets() -> None:
    options = {"HttpTokens": "required"}
    variables = load("", instance("a", MetadataOptions=options)).variables("a")
    assert secret_values(variables) == set()
