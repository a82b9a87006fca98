"""EC2 inventories, asked of an EC2 over HTTP."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from moto.ec2.models import ec2_backends
from moto.server import ThreadedMotoServer

from provision.errors import UsageError
from provision.inventory.inventory import Inventory
from provision.inventory.output import list_json

from .conftest import IMAGE, REGION, Account

Load = Callable[..., Inventory]
BY_NAME = "hostnames: [tag:Name]\n"


@pytest.fixture
def load(tmp_path: Path, aws: Account) -> Load:
    """Return what loads an inventory file: its options beside ``plugin``."""

    def load(text: str = "", *, fresh: bool = False) -> Inventory:
        file = tmp_path / "prod.aws_ec2.yml"
        regions = "" if "regions:" in text else f"regions: [{REGION}]\n"
        file.write_text(f"plugin: aws_ec2\n{regions}{text}")
        return Inventory.load([file], fresh=fresh)

    return load


def hosts(inventory: Inventory) -> set[str]:
    return set(inventory.hosts)


def test_an_instance_is_a_host_with_its_description(aws: Account, load: Load) -> None:
    name = aws.start("gpu-1", tags={"Role": "trainer"})
    inventory = load("hostnames: [instance-id]")
    assert hosts(inventory) == {name}
    assert inventory.groups["aws_ec2"].hosts == (name,)
    variables = inventory.variables(name)
    assert variables["instance_type"] == "g5.xlarge"
    assert variables["tags"] == {"Name": "gpu-1", "Role": "trainer"}
    assert variables["placement"]["region"] == REGION  # type: ignore[index]
    assert variables["state"]["name"] == "running"  # type: ignore[index]


def test_without_hostnames_dns_names_are_taken(aws: Account, load: Load) -> None:
    aws.start()
    (name,) = hosts(load())
    assert name.startswith("ec2-")
    assert name.endswith(f".{REGION}.compute.amazonaws.com")


def test_filters_are_ands_and_their_values_ors(aws: Account, load: Load) -> None:
    aws.start("a", tags={"Role": "trainer", "Env": "prod"})
    aws.start("b", tags={"Role": "buffer", "Env": "prod"})
    aws.start("c", tags={"Role": "trainer", "Env": "dev"})
    assert hosts(load(BY_NAME + "filters: {tag:Role: trainer, tag:Env: prod}")) == {"a"}
    assert hosts(load(BY_NAME + "filters: {tag:Role: [trainer, buffer]}")) == {"a", "b", "c"}


def test_include_filters_add_and_exclude_filters_win(aws: Account, load: Load) -> None:
    for name in "abcd":
        aws.start(name)
    text = """
filters: {tag:Name: a}
include_filters: [{tag:Name: [b]}, {tag:Name: [b, c]}]
exclude_filters: [{tag:Name: c}]
"""
    assert hosts(load(BY_NAME + text)) == {"a", "b"}


def test_only_the_given_regions_are_asked(aws: Account, load: Load) -> None:
    aws.start("here")
    aws.start("there", region="us-east-1")
    assert hosts(load(BY_NAME)) == {"here"}
    assert hosts(load(BY_NAME + "regions: [us-east-1, eu-west-1]")) == {"here", "there"}


@pytest.mark.usefixtures("aws")
def test_a_region_that_is_misspelt(load: Load) -> None:
    with pytest.raises(UsageError, match="there is no region 'eu-wst-1' that answers") as caught:
        load("regions: [eu-wst-1]")
    assert caught.value.hint == "did you mean 'eu-west-1'?"


def test_without_regions_all_are_asked(aws: Account, load: Load) -> None:
    aws.start("here")
    aws.start("there", region="ap-southeast-2")
    assert hosts(load(BY_NAME + "regions: []")) == {"here", "there"}


def test_all_pages_are_read(aws: Account, load: Load) -> None:
    backend = ec2_backends["123456789012"][REGION]
    for _ in range(101):  # reservations; moto's page has 100
        backend.run_instances(
            IMAGE, 1, None, [], instance_type="g5.xlarge", is_instance_type_default=False
        )
    assert len(hosts(load("hostnames: [instance-id]"))) == 101


def test_groups_of_tags_and_conditions(aws: Account, load: Load) -> None:
    aws.start("gpu-1", tags={"Role": "trainer", "Team": "rl"})
    aws.start("buf-1", tags={"Role": "experience_buffer"})
    inventory = load(
        BY_NAME
        + """
keyed_groups:
  - {key: tags.Role, separator: ""}
  - {key: tags.Team, prefix: team, parent_group: teams}
  - {key: placement.region, prefix: region}
groups: {gpus: "inventory_hostname is match('gpu-')"}
compose: {ansible_host: private_ip_address, ansible_user: "'ubuntu'"}
"""
    )
    members = {name: set(group.hosts) for name, group in inventory.groups.items()}
    assert members["trainer"] == members["team_rl"] == members["teams"] == {"gpu-1"}
    assert members["gpus"] == {"gpu-1"}
    assert members["experience_buffer"] == {"buf-1"}
    assert members["region_eu_west_1"] == {"gpu-1", "buf-1"}
    variables = inventory.variables("gpu-1")
    assert variables["ansible_host"] == variables["private_ip_address"]
    assert variables["ansible_user"] == "ubuntu"
    assert inventory.warnings() == []


def test_a_tag_is_never_a_template(aws: Account, load: Load) -> None:
    aws.start("a", tags={"Note": "{{ lookup('env', 'HOME') }}"})
    inventory = load(BY_NAME + "compose: {note: tags.Note}")
    from provision.templating import Templater

    templater = Templater(inventory.context("a"))
    assert templater.render("{{ note }} {{ tags.Note }}") == " ".join(
        ["{{ lookup('env', 'HOME') }}"] * 2
    )


def test_static_files_beside_add_to_the_same_hosts(
    aws: Account, load: Load, tmp_path: Path
) -> None:
    aws.start("gpu-1", tags={"Role": "trainer"})
    load(BY_NAME + 'keyed_groups: [{key: tags.Role, separator: ""}]')
    (tmp_path / "static.yml").write_text("trainer: {hosts: {old-1: }, vars: {gpu_count: 8}}")
    inventory = Inventory.load([tmp_path / "prod.aws_ec2.yml", tmp_path / "static.yml"])
    assert inventory.groups["trainer"].hosts == ("gpu-1", "old-1")
    assert inventory.variables("gpu-1")["gpu_count"] == 8


# -- what cannot be counted on ------------------------------------------------------------------


def test_a_stopped_instance_is_left_out_and_named(aws: Account, load: Load) -> None:
    aws.start("up")
    stopped, gone = aws.start("down"), aws.start("gone")
    aws.client("ec2").stop_instances(InstanceIds=[stopped])
    aws.client("ec2").terminate_instances(InstanceIds=[gone])
    inventory = load(BY_NAME)
    assert hosts(inventory) == {"up"}
    (notice,) = inventory.warnings()
    assert notice.endswith(f"prod.aws_ec2.yml: stopped, left out: down ({stopped})")
    with pytest.raises(UsageError, match=f"'down' is left out .* instance {stopped} is stopped"):
        inventory.match("down")
    with pytest.raises(UsageError, match="'trainer' is no host or group") as caught:
        inventory.match("trainer")
    assert "left out of the inventory: down" in (caught.value.hint or "")
    assert hosts(load(BY_NAME + "filters: {instance-state-name: stopped}")) == {"down"}


def spot(aws: Account, name: str) -> str:
    ec2 = aws.client("ec2")
    request = ec2.request_spot_instances(
        InstanceCount=1, LaunchSpecification={"ImageId": IMAGE, "InstanceType": "g5.xlarge"}
    )["SpotInstanceRequests"][0]
    instance = str(request["InstanceId"])
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "Name", "Value": name}])
    return instance


def test_a_spot_instance_about_to_be_interrupted_is_left_out(aws: Account, load: Load) -> None:
    spot(aws, "stays")
    leaving = spot(aws, "leaves")
    requests = ec2_backends["123456789012"][REGION].spot_instance_requests
    for request in requests.values():
        if request.instance.id == leaving:
            request._status_code = "marked-for-termination"  # moto interrupts none by itself
    inventory = load(BY_NAME)
    assert hosts(inventory) == {"stays"}
    (notice,) = inventory.warnings()
    reason = "about to be interrupted (marked-for-termination), left out: leaves"
    assert f"{reason} ({leaving})" in notice


def test_what_has_become_of_a_host_is_asked_when_it_does_not_answer(
    aws: Account, load: Load
) -> None:
    instance = aws.start("gpu-1")
    inventory = load(BY_NAME + "cache: true")
    assert inventory.absence("gpu-1") is None
    assert inventory.absence("localhost") is None
    aws.client("ec2").stop_instances(InstanceIds=[instance])
    told = inventory.absence("gpu-1")
    assert told is not None
    assert told.startswith(f"its instance {instance} is stopped (")
    assert hosts(load(BY_NAME + "cache: true")) == set()  # the cached answer was forgotten
    aws.client("ec2").terminate_instances(InstanceIds=[instance])
    assert "is terminated" in (inventory.absence("gpu-1") or "")


def test_two_instances_of_one_name_are_refused(aws: Account, load: Load) -> None:
    one, two = sorted([aws.start("gpu"), aws.start("gpu")])
    with pytest.raises(UsageError, match=f"{one} and {two} are both called 'gpu'") as caught:
        load(BY_NAME)
    assert caught.value.where is not None
    assert caught.value.where.line == 3


# -- the cache ----------------------------------------------------------------------------------


def cache_files(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "provision" / "ec2").iterdir())


def test_an_answer_is_kept_for_a_while(aws: Account, load: Load, tmp_path: Path) -> None:
    cached = BY_NAME + "cache: true\ncache_timeout: 60\n"
    aws.start("a")
    first = load(cached)
    aws.start("b")
    assert list_json(load(cached)) == list_json(first)  # times included
    (file,) = cache_files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert hosts(load(cached, fresh=True)) == {"a", "b"}
    assert hosts(load(BY_NAME)) == {"a", "b"}  # without `cache: true` it does not count


def test_an_old_answer_does_not_count(aws: Account, load: Load, tmp_path: Path) -> None:
    cached = BY_NAME + "cache: true\ncache_timeout: 60\n"
    aws.start("a")
    load(cached)
    aws.start("b")
    age(cache_files(tmp_path)[0], seconds=61)
    assert hosts(load(cached)) == {"a", "b"}
    assert len(cache_files(tmp_path)) == 1


def age(file: Path, seconds: float) -> None:
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "asked": kept["asked"] - seconds}))


def test_another_question_has_another_answer(aws: Account, load: Load, tmp_path: Path) -> None:
    aws.start("a")
    aws.start("b")
    cached = BY_NAME + "cache: true\n"
    assert hosts(load(cached)) == {"a", "b"}
    assert hosts(load(cached + "filters: {tag:Name: a}\n")) == {"a"}
    other = f"cache: true\ncache_connection: {tmp_path / 'mine'}\ncache_prefix: x_\n"
    assert hosts(load(BY_NAME + other)) == {"a", "b"}
    assert [file.name[:2] for file in (tmp_path / "mine").iterdir()] == ["x_"]


def test_a_damaged_answer_counts_as_none(aws: Account, load: Load, tmp_path: Path) -> None:
    aws.start("a")
    load(BY_NAME + "cache: true\n")
    cache_files(tmp_path)[0].write_text('{"format": 1, "asked"')
    assert hosts(load(BY_NAME + "cache: true\n")) == {"a"}


def test_a_cache_that_cannot_be_written_is_an_error(
    aws: Account, load: Load, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written") as caught:
        load(f"cache: true\ncache_connection: {tmp_path / 'file'}\n")
    assert caught.value.where is not None


# -- AWS does not answer, or refuses ------------------------------------------------------------


def test_aws_down_and_the_answer_too_old(
    aws: Account, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    aws.start("a")
    load(BY_NAME + "cache: true\n")
    server.stop()
    assert hosts(load(BY_NAME + "cache: true\n")) == {"a"}
    age(cache_files(tmp_path)[0], seconds=4000)
    with pytest.raises(UsageError, match=r"EC2 in eu-west-1: AWS does not answer") as caught:
        load(BY_NAME + "cache: true\n")
    assert caught.value.where is not None
    assert caught.value.where.line == 2
    assert "EC2's last answer is 400" in (caught.value.hint or "")
    assert hosts(load(BY_NAME + "cache: true\ncache_timeout: 86400\n")) == {"a"}


def test_no_credentials(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match="there are no AWS credentials") as caught:
        load()
    assert "aws configure" in (caught.value.hint or "")


def test_a_profile_that_does_not_exist(load: Load) -> None:
    with pytest.raises(UsageError, match=r"config profile \(nobody\) could not be found"):
        load("profile: nobody")


def test_a_role_is_assumed(aws: Account, load: Load) -> None:
    aws.start("a")
    assert hosts(load(BY_NAME + "assume_role_arn: arn:aws:iam::123456789012:role/r")) == {"a"}
    assert hosts(load(BY_NAME + "iam_role_arn: arn:aws:iam::999999999999:role/r")) == set()


def test_credentials_of_the_file_and_templates(
    aws: Account, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.start("a", tags={"Env": "dev"})
    monkeypatch.setenv("STAGE", "dev")
    text = """
access_key: "{{ lookup('env', 'AWS_ACCESS_KEY_ID') }}"
secret_key: test
filters: {tag:Env: "{{ lookup('env', 'STAGE') }}"}
"""
    assert hosts(load(BY_NAME + text)) == {"a"}


# -- how hosts are reached ----------------------------------------------------------------------


def test_ways_to_connect(aws: Account, load: Load) -> None:
    instance = aws.start("a")
    plain = load(BY_NAME).variables("a")
    assert "ansible_host" not in plain
    public = load(BY_NAME + "connect: public").variables("a")
    assert public["ansible_host"] == plain["public_ip_address"]
    assert public["provision_host_key_alias"] == instance
    private = load(BY_NAME + "connect: private").variables("a")
    assert private["ansible_host"] == plain["private_ip_address"]
    bastion = load(BY_NAME + "connect: bastion ops@bastion:2222").variables("a")
    assert bastion["ansible_host"] == plain["private_ip_address"]
    assert bastion["provision_jump"] == "ops@bastion:2222"
    session = load(BY_NAME + "connect: ssm").variables("a")
    assert session["ansible_host"] == instance
    assert session["provision_proxy_command"] == (
        "aws ssm start-session --target %h --document-name AWS-StartSSHSession"
        " --parameters portNumber=%p --region eu-west-1"
    )


def test_an_instance_without_a_public_address_is_named(aws: Account, load: Load) -> None:
    ec2 = aws.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    aws.start("inner", SubnetId=subnet)
    inventory = load(BY_NAME + "connect: public")
    assert hosts(inventory) == {"inner"}
    assert inventory.warnings()[0].endswith(
        "inner has no public address, and is reached by its name"
    )
