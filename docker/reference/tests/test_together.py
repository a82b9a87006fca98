"""The five commands as real processes with a real Redis: they play, store, learn and recover."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import ROOT, Redis, free_port, wait_for
from generals_reference import health

SMALL = {
    "BOARD_SIZE": "6",
    "TICK_LIMIT": "20",
    "AGENT_FRAGMENT": "8",
    "AGENT_GAMES": "4",
    "AGENT_MOVES_PER_SECOND": "2000",
    "TRAINER_BATCH": "4",
    "TRAINER_MINIMUM": "8",
    "CHECKPOINT_EVERY": "5",
    "PUBLISH_EVERY": "2",
    "EVALUATION_MATCHES": "2",
    "DRAIN_SECONDS": "2",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass
class Command:
    """One command of the image, run from the source tree."""

    name: str
    environment: dict[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def probe(self) -> str:
        """What a health check asks: services by gRPC, workers by HTTP."""
        worker = self.name in ("agent", "trainer")
        return f"http://127.0.0.1:{self.metrics_port}/healthz" if worker else self.address

    def start(self) -> None:
        ports = {"PORT": str(self.port), "METRICS_PORT": str(self.metrics_port)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "generals_reference", self.name],
                env=os.environ | {"PYTHONPATH": str(ROOT)} | SMALL | self.environment | ports,
                stdout=log,
                stderr=log,
            )

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 where it is not there."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, values))

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return health.check(self.probe) == ""


def commands(folder: Path, redis_url: str) -> dict[str, Command]:
    """Every command, all knowing each other; not started."""
    shared: dict[str, str] = {"REDIS_URL": redis_url}
    names = ("game-server", "experience-buffer", "model-server", "trainer", "agent")
    made = {name: Command(name, shared, folder / f"{name}.log") for name in names}
    shared |= {
        # A server that is not there comes first: clients go on with the next.
        "GAME_SERVER": f"127.0.0.1:1,{made['game-server'].address}",
        "EXPERIENCE_BUFFER": made["experience-buffer"].address,
        "MODEL_SERVER": made["model-server"].address,
        "MODEL_CHECKPOINT_DIR": str(folder / "checkpoints"),
    }
    return made


NEEDS_TORCH = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="PyTorch is not installed: it is in the trainer's image",
)


@pytest.fixture
def stack(tmp_path: Path, redis_server: Redis) -> Iterator[dict[str, Command]]:
    made = commands(tmp_path, redis_server.url)
    for command in made.values():
        command.start()
    yield made
    for command in made.values():
        if command.process and command.process.poll() is None:
            command.kill()


def newest(checkpoints: Path) -> int:
    """The step of the newest checkpoint."""
    return max(int(path.stem.partition("-")[2]) for path in checkpoints.glob("*.ckpt"))


@NEEDS_TORCH
def test_it_plays_learns_and_recovers(stack: dict[str, Command], redis_server: Redis) -> None:
    buffer, trainer, agent = stack["experience-buffer"], stack["trainer"], stack["agent"]
    model_server, game_server = stack["model-server"], stack["game-server"]
    for command in stack.values():
        wait_for(command.healthy, what=f"{command.name} is healthy")

    # Experiences flow, versions appear, the agent plays them, and the best is promoted.
    wait_for(lambda: trainer.metric("generals_learner_step") >= 12, 60, "updates")
    wait_for(lambda: agent.metric("generals_agent_model_version") >= 2, 30, "a newer version")
    wait_for(lambda: model_server.metric("generals_model_matches_total") >= 4, 30, "evaluation")
    assert agent.metric("generals_agent_games_total") > 0
    assert game_server.metric("generals_ticks_total") > 100

    # A killed trainer goes on from its checkpoint.
    trainer.kill()
    checkpoints = Path(trainer.environment["MODEL_CHECKPOINT_DIR"]) / "trainer"
    saved = newest(checkpoints)
    trainer.start()
    wait_for(trainer.healthy)
    wait_for(lambda: trainer.metric("generals_learner_step") > saved, 30, "it goes on")
    assert '"message": "resuming"' in trainer.log.read_text()

    # Neither a killed buffer nor a killed Redis loses what was acknowledged.
    acknowledged = agent.metric("generals_agent_experiences_total")
    buffer.kill()
    redis_server.kill()
    redis_server.start()
    buffer.start()
    wait_for(buffer.healthy)
    assert buffer.metric("generals_buffer_fill") >= acknowledged
    before = agent.metric("generals_agent_experiences_total")
    wait_for(lambda: agent.metric("generals_agent_experiences_total") > before, 30, "appends")

    # The agent outlives its game server.
    game_server.kill()
    game_server.start()
    played = agent.metric("generals_agent_games_total")
    wait_for(lambda: agent.metric("generals_agent_games_total") > played, 30, "games")
    assert all(command.healthy() for command in stack.values())

    # Everybody ends in peace, and every line was JSON.
    for command in reversed(stack.values()):
        assert command.kill(signal.SIGTERM) == 0, command.name
        lines = [json.loads(line) for line in command.log.read_text().splitlines()]
        assert lines[-1]["message"] == "stopped"
        traced = [line for line in lines if line["message"] in ("checkpoint", "published")]
        assert all(re.fullmatch("[0-9a-f]{32}", line["trace_id"]) for line in traced)
        if command is trainer:  # nothing that it learnt is lost
            assert lines[-2]["message"] == "checkpoint"
            assert newest(checkpoints) == lines[-2]["step"] > saved


@pytest.mark.parametrize(
    ("name", "variable", "value", "message"),
    [
        ("game-server", "MAX_GAMES", "many", "is not a number"),
        ("agent", "GAME_SERVER", "here", "is not host:port"),
        ("agent", "AGENT_OPPONENTS", "self,nobody", "AGENT_OPPONENTS"),
        ("experience-buffer", "REDIS_URL", "ftp://x", "REDIS_URL"),
        pytest.param(
            *("trainer", "TRAINER_SAMPLING", "best", "none of uniform, prioritised"),
            marks=NEEDS_TORCH,
        ),
        ("model-server", "LOG_LEVEL", "loud", "none of debug"),
    ],
)
def test_a_bad_setting_is_one_clear_line(
    tmp_path: Path, name: str, variable: str, value: str, message: str
) -> None:
    environment = {"MODEL_CHECKPOINT_DIR": str(tmp_path), variable: value}
    command = Command(name, environment, tmp_path / "log")
    command.start()
    assert command.process is not None
    assert command.process.wait(timeout=30) == 2
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert variable in line
    assert message in line
