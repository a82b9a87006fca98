"""Rendering: whose file wins, what a changed file changes, and what cannot be meant."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from provision.errors import UsageError
from provision.source import parse_yaml
from provision.stack.lint import collisions
from provision.stack.render import ComposeProject, DataDirectory, render_role
from provision.stack.roles import roles_of
from provision.templating import Templater
from tests.unit.stack.cluster import CLUSTER, HERE, variables

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> None:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return write


def render(project: Path, role: str = "mine", **extra: object) -> ComposeProject:
    return render_role(role, variables("game-01", **extra), project=project)


TWO_SERVICES = """
services:
  first: {image: "a:1", volumes: ["./first.yml:/etc/first.yml:ro"]}
  second: {image: "b:1", volumes: ["./second:/etc/second:ro"]}
"""


def test_a_changed_file_changes_the_services_that_mount_it(tmp_path: Path, write: Write) -> None:
    write("compose/mine.yml.j2", TWO_SERVICES)
    write("config/mine/first.yml", "a: 1")
    write("config/mine/second/x.yml", "x")
    write("config/mine/second/deep/y.yml.j2", "{{ inventory_hostname }}")
    before = render(tmp_path)
    write("config/mine/second/x.yml", "changed")
    after = render(tmp_path)
    assert before.services["first"] == after.services["first"]
    assert before.services["second"] != after.services["second"]


def test_where_files_lie(tmp_path: Path, write: Write) -> None:
    write("compose/mine.yml.j2", TWO_SERVICES)
    write("config/mine/first.yml", "a: 1")
    write("config/mine/second/deep/y.yml.j2", "{{ inventory_hostname }}")
    project = render(tmp_path)
    first, second = project.files
    assert first.path == "first.yml"
    assert project.services["first"]["volumes"] == [f"{first.dest}:/etc/first.yml:ro"]
    assert second.path == "second/deep/y.yml"
    assert second.content == "game-01"
    directory = second.dest.removesuffix("/deep/y.yml")
    assert project.services["second"]["volumes"] == [f"{directory}:/etc/second:ro"]
    for file in project.files:
        assert file.dest.startswith("/opt/generals/mine/config/")
        assert (file.mode, file.owner, file.secret) == (0o644, None, False)


def test_long_syntax_and_env_files(tmp_path: Path, write: Write) -> None:
    write(
        "compose/mine.yml.j2",
        """
services:
  app:
    image: a:1
    volumes: [{type: bind, source: ./a.yml, target: /a.yml, read_only: true}, "data:/data"]
    env_file: [{path: ./app.env, required: true}]
""",
    )
    write("config/mine/a.yml", "")
    write("config/mine/app.env", "")
    service = render(tmp_path).services["app"]
    assert service["volumes"][0]["source"].endswith("/a.yml")
    assert service["volumes"][0]["source"].startswith("/opt/")
    assert service["volumes"][1] == "data:/data"
    assert service["env_file"][0]["path"].startswith("/opt/")


SECRET = """
x-files: {key: {secret: true}}
services:
  app: {image: "a:1", %s volumes: ["./key:/run/secrets/key:ro"]}
"""


def test_a_secret_belongs_to_the_user_who_reads_it(tmp_path: Path, write: Write) -> None:
    write("compose/mine.yml.j2", SECRET % 'user: "10:20",')
    write("config/mine/key", "hidden")
    project = render(tmp_path)
    (key,) = project.files
    assert (key.mode, key.owner, key.secret) == (0o400, (10, 20), True)
    assert "x-files" not in project.model


def test_a_secret_cannot_be_guessed_from_its_path(tmp_path: Path, write: Write) -> None:
    write("compose/mine.yml.j2", SECRET % "user: 10,")
    write("config/mine/key", "hidden")
    (key,) = render(tmp_path).files
    described = repr([(key.path, key.mode, key.owner, key.content)]).encode()
    assert hashlib.sha256(described).hexdigest()[:12] not in key.dest
    assert hashlib.sha256(b"hidden").hexdigest()[:12] not in key.dest


def test_a_users_template_file_and_default_win(tmp_path: Path, write: Write) -> None:
    write("config/experience_buffer/redis.conf", "# mine")
    write("compose/defaults.yml", "redis_memory: 7g\n")
    project = render_role("experience_buffer", variables("buf-01"), project=tmp_path)
    assert [f.content for f in project.files if f.path == "redis.conf"] == ["# mine"]
    assert project.services["redis"]["mem_limit"] == "7g"
    assert project.services["redis"]["image"].startswith("docker.io/library/redis:")


def test_a_users_directory_adds_to_the_shipped_one(tmp_path: Path, write: Write) -> None:
    write("config/monitoring/grafana/dashboards/mine.json", "{}")
    write("config/monitoring/grafana/dashboards/gpu.json", '{"mine": 1}')
    project = render_role("monitoring", variables("mon-01"), project=tmp_path)
    dashboards = {f.path.rpartition("/")[2]: f.content for f in project.files if "/dashb" in f.path}
    assert dashboards["mine.json"] == "{}"
    assert dashboards["gpu.json"] == '{"mine": 1}'
    assert "cluster.json" in dashboards


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("services: {app: {image: {{ nothing }}}}", "'nothing' is not defined"),
        ("services: {app: {image: a:1, volumes: ['./gone.yml:/x:ro']}}", "'./gone.yml' is mounted"),
        ("services: {app: {image: a:1, volumes: ['../up.yml:/x:ro']}}", "does not name something"),
        ("services: {app: {image: a:1, volumes: ['~/x.yml:/x:ro']}}", "'~/x.yml' is mounted"),
        (SECRET % "", "does not say who reads it"),
        (SECRET % "user: app,", "does not say who reads it"),
        ("x-files: {key: {mode: 1}}\nservices: {app: {image: a:1}}", "x-files: key"),
        ("services: {}", "without services"),
        ("services: {app: 1}", "'app' is not a mapping"),
        ("- a", "does not render to a mapping"),
        ("services: {a: {image: a:1}, a: {image: a:1}}", "given twice"),
        (
            "services: {a: {image: x, user: '1', volumes: ['/srv/d:/d']},"
            " b: {image: x, user: '2', volumes: ['/srv/d:/d']}}",
            "b writes to /srv/d, which belongs to another",
        ),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, write: Write, template: str, message: str) -> None:
    write("compose/mine.yml.j2", template)
    write("config/mine/key", "hidden")
    with pytest.raises(UsageError) as raised:
        render(tmp_path)
    assert message in raised.value.message
    assert "mine.yml.j2" in str(raised.value)


def test_an_unknown_role_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        render(tmp_path, "trainers")
    assert raised.value.hint == "did you mean 'trainer'?"


def test_a_hosts_variable_may_use_a_default() -> None:
    """Before a deploy, where variables come as written, and during, where they come as a view."""
    own = parse_yaml('trainer_environment: {MY_PORT: "{{ trainer_metrics_port }}"}')
    given = variables("gpu-02", **cast("dict[str, object]", own))
    for shape in (given, Templater(given).view()):
        service = render_role("trainer", shape, project=HERE).services["trainer"]
        assert service["environment"]["MY_PORT"] == 9466


def test_a_missing_image_is_named() -> None:
    everything = variables("game-01")
    del everything["game_server_image"]
    with pytest.raises(UsageError) as raised:
        render_role("game_server", everything)
    assert "'game_server_image' is not defined" in raised.value.message
    assert "game_server.yml.j2" in str(raised.value)
    assert "set game_server_image in the inventory" in (raised.value.hint or "")


def test_a_missing_password_is_named() -> None:
    everything = variables("buf-01")
    del everything["redis_password"]
    with pytest.raises(UsageError) as raised:
        render_role("experience_buffer", everything)
    assert "service.env.j2:1" in str(raised.value) or "redis.conf.j2:8" in str(raised.value)
    assert "set redis_password in the inventory" in (raised.value.hint or "")


def test_the_reference_image_stands_in_with_its_command() -> None:
    everything = variables("game-01", reference_image="registry.example.com/reference:1")
    del everything["game_server_image"]
    service = render_role("game_server", everything).services["game-server-0"]
    assert service["image"] == "registry.example.com/reference:1"
    assert service["command"] == ["game-server"]
    own = render_role("game_server", variables("game-01", reference_image="r:1"))
    assert "command" not in own.services["game-server-0"]


def test_the_reference_trainer_is_started_by_torchrun_where_several_learn_together() -> None:
    images = {"reference_image": "r:1", "reference_trainer_image": "r-trainer:1"}
    everything = variables("gpu-01", **images)
    del everything["trainer_image"]
    pair = render_role("trainer", everything).services["trainer"]
    assert pair["image"] == "r-trainer:1"
    assert pair["command"] == ["torchrun", "--no-python", "trainer"]
    everything["groups"] = {**CLUSTER["groups"], "trainer": ["gpu-01"]}
    everything["gpu_count"] = 0
    alone = render_role("trainer", everything).services["trainer"]
    assert alone["command"] == ["trainer"]
    del everything["reference_trainer_image"]
    assert render_role("trainer", everything).services["trainer"]["image"] == "r:1"


def test_pytorch_uses_as_many_threads_as_the_trainer_has_cpus() -> None:
    def threads(**more: Any) -> str | None:
        trainer = render_role("trainer", variables("gpu-01", **more)).services["trainer"]
        found: str | None = trainer["environment"].get("OMP_NUM_THREADS")
        return found

    assert threads() is None
    assert threads(trainer_cpus=8.0, trainer_processes=2) == "4"
    assert threads(trainer_cpus=1.5, trainer_processes=4) == "1"
    assert threads(trainer_cpus=8, trainer_environment={"OMP_NUM_THREADS": "3"}) == "3"


def test_replicas_have_ports_of_their_own() -> None:
    services = render_role("game_server", variables("game-01")).services
    ports = [[p["published"] for p in service["ports"]] for service in services.values()]
    assert ports == [["50051", "9464"], ["50061", "9474"], ["50071", "9484"]]


def test_clients_get_every_game_server_and_begin_with_different_ones() -> None:
    services = render_role("agent_pool", variables("agents-01")).services
    lists = [s["environment"]["GAME_SERVER"].split(",") for s in services.values()]
    assert lists[0] == ["10.0.0.11:50051", "10.0.0.11:50061", "10.0.0.11:50071", "10.0.0.12:51051"]
    assert lists[1] == lists[0][1:] + lists[0][:1]
    assert services["agent-0"]["environment"]["EXPERIENCE_BUFFER"] == "10.0.0.20:50052"


def test_configured_addresses_win() -> None:
    project = render_role(
        "agent_pool", variables("agents-01", game_server_addresses="lb.example.com:50051")
    )
    assert project.services["agent-0"]["environment"]["GAME_SERVER"] == "lb.example.com:50051"


@pytest.mark.parametrize(("host", "rank"), [("gpu-01", "0"), ("gpu-02", "1")])
def test_trainers_find_each_other(host: str, rank: str) -> None:
    trainer = render_role("trainer", variables(host)).services["trainer"]
    environment = trainer["environment"]
    assert environment["MASTER_ADDR"] == environment["PET_MASTER_ADDR"] == "10.0.0.31"
    assert environment["RANK"] == environment["PET_NODE_RANK"] == rank
    assert environment["WORLD_SIZE"] == environment["PET_NNODES"] == "2"
    assert environment["PET_NPROC_PER_NODE"] == "8"
    assert trainer["network_mode"] == "host"
    devices = trainer["deploy"]["resources"]["reservations"]["devices"]
    expected = {"driver": "cdi", "device_ids": ["nvidia.com/gpu=all"], "capabilities": ["gpu"]}
    assert devices == [expected]


def test_a_lone_trainer_without_gpu_stays_on_its_own_network() -> None:
    groups = {**CLUSTER["groups"], "trainer": ["gpu-01"]}
    everything = {**variables("gpu-01", gpu_count=0), "groups": groups}
    trainer = render_role("trainer", everything).services["trainer"]
    assert "network_mode" not in trainer
    assert "deploy" not in trainer
    assert trainer["environment"]["METRICS_PORT"] == "9464"
    assert [(p["target"], p["published"]) for p in trainer["ports"]] == [(9464, "9466")]


def test_what_a_lab_does_not_have_is_left_out() -> None:
    nothing = {"grafana_image": "", "otel_collector_image": "", "tempo_image": ""}
    everything = variables("mon-01", **nothing)
    del everything["grafana_admin_password"]
    project = render_role("monitoring", everything)
    assert set(project.services) == {"prometheus", "alertmanager"}
    assert not [f for f in project.files if "grafana" in f.path or "otel" in f.path]
    trainer = render_role("trainer", variables("gpu-01", **nothing)).services["trainer"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in trainer["environment"]


def test_dollars_of_variables_reach_the_container() -> None:
    project = render_role(
        "game_server", variables("game-01", game_server_environment={"PRICE": "5$US"})
    )
    assert project.services["game-server-0"]["environment"]["PRICE"] == "5$$US"


def test_data_directories_belong_to_who_writes_there() -> None:
    project = render_role("experience_buffer", variables("buf-01"))
    assert project.directories == (DataDirectory("/var/lib/generals/redis", (999, 999), 0o750),)
    assert render_role("host", variables("gpu-01")).directories == ()


def test_the_text_is_the_model() -> None:
    for role, host in (("trainer", "gpu-01"), ("monitoring", "mon-01")):
        project = render_role(role, variables(host))
        assert parse_yaml(project.text) == project.model
        assert project.name == f"generals-{role}"


def test_images_are_replaced_by_digests() -> None:
    project = render_role("experience_buffer", variables("buf-01"))
    redis = next(image for image in project.images if "redis" in image)
    pinned = project.with_images({redis: "redis@sha256:" + "0" * 64})
    assert pinned.services["redis"]["image"] == "redis@sha256:" + "0" * 64
    assert redis not in pinned.text
    assert redis not in pinned.images
    assert project.services["redis"]["image"] == redis


def test_two_roles_of_a_host_must_not_want_one_port() -> None:
    everything = variables("game-01", experience_buffer_port=50061)
    found = collisions(render_role(r, everything) for r in ("game_server", "experience_buffer"))
    assert [f.message for f in found] == [
        "port 50061/tcp of 10.0.0.11 is published by experience-buffer and game-server-1"
    ]


def test_roles_of_a_host_come_in_the_order_of_a_rollout() -> None:
    groups = ["agent_pool", "eu_west", "game_server", "monitoring"]
    assert roles_of(groups) == ("host", "monitoring", "game_server", "agent_pool")
