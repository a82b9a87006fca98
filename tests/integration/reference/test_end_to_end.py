"""The deployed stack plays, stores, learns and publishes; and comes back whatever is killed."""

from __future__ import annotations

import pytest

from tests.integration.reference.cluster import AGENTS, Cluster
from tests.integration.reference.machine import CHECKPOINTS, wait_for

pytestmark = pytest.mark.integration


def test_experiences_become_checkpoints_and_versions_that_agents_play(cluster: Cluster) -> None:
    wait_for(lambda: cluster.stored().fill > 0, 120, "experiences in the buffer")
    wait_for(lambda: cluster.saved_step() > 0, 180, "a checkpoint")
    assert cluster.sh(f"ls {CHECKPOINTS}/models/*.weights")
    for agent in AGENTS:
        before = max(1, cluster.metric(agent, "generals_agent_model_version"))
        wait_for(
            lambda name=agent, old=before: (
                cluster.metric(name, "generals_agent_model_version") > old
            ),
            120,
            f"{agent} plays a newer version than {before}",
        )
    promoted = "generals_model_promoted_version"
    assert cluster.metric("model-server", promoted) > 0


def test_a_killed_trainer_goes_on_from_its_checkpoint(cluster: Cluster) -> None:
    wait_for(lambda: cluster.saved_step() >= 10, 120, "some learning to lose")
    saved = cluster.saved_step()
    cluster.killed_and_back("trainer")
    resumed = [line for line in cluster.log("trainer") if line["message"] == "training"][-1]
    assert resumed["step"] >= saved
    wait_for(lambda: cluster.saved_step() > saved, 120, "a checkpoint after the one it resumed")


def test_a_stopped_trainer_saves_its_last_step_within_its_grace_period(cluster: Cluster) -> None:
    before = cluster.saved_step()
    wait_for(lambda: cluster.metric("trainer", "generals_learner_step") > before, 120, "updates")
    container = cluster.container("trainer")
    cluster.sh(f"docker stop {container}")
    assert cluster.sh(f"docker inspect -f '{{{{.State.ExitCode}}}}' {container}").strip() == "0"
    last, ended = cluster.log("trainer")[-2:]
    assert (last["message"], ended["message"]) == ("checkpoint", "stopped")
    assert cluster.saved_step() == last["step"] > before
    cluster.sh(f"docker start {container}")
    wait_for(lambda: cluster.metric("trainer", "generals_learner_step") > last["step"], 120, "more")


@pytest.mark.parametrize("service", ["experience-buffer", "redis"])
def test_what_was_acknowledged_outlives_a_kill(cluster: Cluster, service: str) -> None:
    wait_for(lambda: cluster.stored().fill > 0, 60, "experiences in the buffer")
    acknowledged = cluster.acknowledged()
    cluster.killed_and_back(service)
    wait_for(lambda: cluster.is_healthy("experience-buffer"), 60, "the buffer has its Redis")
    after = cluster.stored()
    assert after.appended >= acknowledged
    assert after.fill == after.appended, "nothing had to make room"
    wait_for(lambda: cluster.stored().appended > after.appended, 240, "new experiences")


def test_agents_outlive_their_game_server(cluster: Cluster) -> None:
    acknowledged = cluster.acknowledged()
    cluster.killed_and_back("game-server-0")
    wait_for(
        lambda: cluster.metric("game-server-0", "generals_games_finished_total") > 0, 120, "games"
    )
    wait_for(lambda: cluster.acknowledged() > acknowledged, 240, "experiences of them")
    assert cluster.stored().appended >= acknowledged
    assert [cluster.restarts(agent) for agent in AGENTS] == [0, 0]


def test_models_outlive_their_server(cluster: Cluster) -> None:
    latest = cluster.metric("model-server", "generals_model_latest_version")
    cluster.killed_and_back("model-server")
    assert cluster.metric("model-server", "generals_model_latest_version") >= latest
    wait_for(
        lambda: cluster.metric("model-server", "generals_model_latest_version") > latest,
        120,
        "the trainer publishes again",
    )
