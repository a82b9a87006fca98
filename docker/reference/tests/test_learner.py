"""The learner: V-trace as its paper has it, gradients as the loss has them, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
from generals_reference.policy import features, network, vtrace
from generals_reference.policy.learner import DISCOUNT, Learner, gradients
from samples import tensors

RNG = np.random.default_rng(0)


def test_vtrace_is_the_sum_of_its_definition() -> None:
    """Remark 1 of the paper, term by term: v_s = V_s + sum gamma^(t-s) prod(c) delta_t."""
    steps, discount = 5, 0.9
    logp, acted = RNG.normal(-1, 0.5, (2, steps)), RNG.normal(-1, 0.5, (2, steps))
    reward, value = RNG.normal(size=(2, steps)), RNG.normal(size=(2, steps + 1))
    done = np.zeros((2, steps), bool)
    done[1, 2] = True
    aim = vtrace.targets(
        logp=logp, acted=acted, reward=reward, done=done, value=value, discount=discount
    )
    ratio = np.minimum(1, np.exp(logp - acted))
    for row in range(2):
        for start in range(steps):
            total, factor = value[row, start], 1.0
            for t in range(start, steps):
                going = discount * (not done[row, t])
                after = reward[row, t] + going * value[row, t + 1] - value[row, t]
                total += factor * ratio[row, t] * after
                factor *= going * ratio[row, t]
            assert aim.value[row, start] == pytest.approx(total)


def test_on_policy_vtrace_is_the_return() -> None:
    zeros = np.zeros((1, 3))
    aim = vtrace.targets(
        logp=zeros, acted=zeros, reward=np.array([[0, 0, 1.0]]),
        done=np.array([[False, False, True]]), value=RNG.normal(size=(1, 4)), discount=0.5,
    )  # fmt: skip
    assert aim.value[0] == pytest.approx([0.25, 0.5, 1.0])


def stacked(count: int = 3) -> dict[str, np.ndarray]:
    items = [tensors(seed) for seed in range(count)]
    return {name: np.stack([item[name] for item in items]) for name in items[0]}


def test_gradients_by_logits_and_values_are_those_of_the_loss() -> None:
    """Against finite differences, with the targets held still."""
    fragments, importance = stacked(2), np.array([1.0, 0.4], np.float32)
    rows, actions = 2 * 5, 4 * 4 * 8
    logits = RNG.normal(size=(rows, actions))
    values = RNG.normal(size=rows)
    held = vtrace.targets(**at(logits, values, fragments))
    _, at_logits, at_value = gradients(logits, values, fragments, importance)

    def loss(logits: np.ndarray, values: np.ndarray) -> float:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vtrace, "targets", lambda **_: held)
            return gradients(logits, values, fragments, importance)[0].loss

    for row, action in zip(RNG.integers(0, rows, 40), RNG.integers(0, actions, 40), strict=True):
        nudge = np.zeros_like(logits)
        nudge[row, action] = 1e-4
        slope = (loss(logits + nudge, values) - loss(logits - nudge, values)) / 2e-4
        assert at_logits[row, action] == pytest.approx(slope, abs=1e-6)
    for row in range(rows):
        nudge = np.zeros_like(values)
        nudge[row] = 1e-4
        slope = (loss(logits, values + nudge) - loss(logits, values - nudge)) / 2e-4
        assert at_value[row] == pytest.approx(slope, abs=1e-6)


def at(logits: np.ndarray, values: np.ndarray, fragments: dict) -> dict:
    """The arguments of vtrace.targets for these logits and values."""
    logp = network.log_softmax(logits).reshape(2, 5, -1)[:, :-1]
    taken = np.take_along_axis(logp, fragments["action"][..., None], -1)[..., 0]
    return {
        "logp": taken,
        "acted": fragments["logp"],
        "reward": fragments["reward"],
        "done": fragments["done"],
        "value": values.reshape(2, 5),
        "discount": DISCOUNT,
    }


def test_gradients_of_the_network_are_those_of_its_outputs() -> None:
    weights = {name: array.astype(np.float64) for name, array in network.initial(2).items()}
    planes = RNG.normal(size=(2, 3, 3, features.PLANES))
    legal = np.ones((2, 3 * 3 * 8), bool)
    by_logits, by_value = RNG.normal(size=(2, 72)), RNG.normal(size=2)
    done = network.forward(weights, planes, legal)
    slopes = network.backward(weights, done, by_logits, by_value)

    def output(changed: dict) -> float:
        out = network.forward(changed, planes, legal)
        return float((out.logits * by_logits).sum() + (out.value * by_value).sum())

    for name, array in weights.items():
        for _ in range(5):
            where = tuple(RNG.integers(0, size) for size in array.shape)
            up, down = array.copy(), array.copy()
            up[where] += 1e-5
            down[where] -= 1e-5
            slope = (output(weights | {name: up}) - output(weights | {name: down})) / 2e-5
            assert slopes[name][where] == pytest.approx(slope, abs=1e-4), name


def test_updates_make_rewarded_moves_likelier() -> None:
    learner = Learner(network.initial())
    batch = [tensors(seed) for seed in range(8)]
    for item in batch:
        item["reward"] = np.where(item["action"] == 2, 1, -1).astype(np.float32)
        item["logp"] = np.full(4, -1.0, np.float32)

    def likelihood() -> float:
        view = {name: batch[0][name] for name in ("army", "owner", "terrain", "score", "tick")}
        out = network.forward(learner.weights, features.planes(view), features.legal(view))
        return float(network.log_softmax(out.logits)[0, 2])

    before = likelihood()
    for _ in range(60):
        learner.update(batch, np.ones(8, np.float32))
    assert likelihood() > before + 0.5


def test_values_come_near_the_returns() -> None:
    learner = Learner(network.initial())
    batch = [tensors(seed) for seed in range(8)]
    for item in batch:
        item["action"][:], item["logp"][:], item["reward"][:] = -1, 0, 0.5
    losses = [learner.update(batch, np.ones(8, np.float32)).value_loss for _ in range(200)]
    assert losses[-1] < losses[0] / 10


def test_a_pass_teaches_nothing_about_moves() -> None:
    fragments = stacked(1)
    fragments["action"][:] = -1
    fragments["logp"][:] = 0
    _, at_logits, at_value = gradients(
        RNG.normal(size=(5, 128)), RNG.normal(size=5), fragments, np.ones(1, np.float32)
    )
    assert not at_logits.any()
    assert at_value.any()


def test_a_restored_learner_goes_on_as_if_nothing_had_been() -> None:
    batch, importance = [tensors(seed) for seed in range(4)], np.ones(4, np.float32)
    learner = Learner(network.initial())
    for _ in range(3):
        learner.update(batch, importance)
    other = Learner.from_bytes(learner.to_bytes())
    for _ in range(3):
        learner.update(batch, importance)
        other.update(batch, importance)
    assert other.step == learner.step == 6
    assert other.to_bytes() == learner.to_bytes()
