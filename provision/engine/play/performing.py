"""Carries out one entry on one host, and returns what ``register`` remembers of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from provision.engine.play.actions import Call, act
from provision.engine.play.judging import Judge, merged
from provision.engine.play.registered import Registered, RegisteredParts, Values
from provision.engine.play.steps import Step
from provision.tasks.outcome import Outcome
from provision.tasks.task import tasks
from provision.transport.result import Result

Pause = Callable[[float], object]


def perform(call: Call, judge: Judge | None, pause: Pause) -> Values:
    """Do an entry.

    Args:
        call: what is to be done, its parameters rendered.
        judge: the conditions on its result; without them nothing is awaited.
        pause: waits so many seconds.

    """
    if judge is not None:
        return _judged(call, judge, pause)
    functions = tasks()
    if call.entry.action in functions:
        with call.host.section(call.label, call.manner) as parts:
            functions[call.entry.action](call.host, **call.parameters)
        return RegisteredParts(parts)
    todo = act(call)
    if isinstance(todo, Result):
        return Registered(call.host.note(call.label, todo, call.manner), call.entry.where)
    outcomes = [_submitted(call, step) for step in todo]
    if call.entry.action == "setup":
        call.host.learn_facts(outcomes[0])
    if len(outcomes) == 1:
        return Registered(outcomes[0], call.entry.where)
    return RegisteredParts(outcomes)


def _submitted(call: Call, step: Step) -> Outcome:
    name = _name(call, step)
    return call.host.submit(step.declaration, call.manner, name=name, content=step.content)


def _judged(call: Call, judge: Judge, pause: Pause) -> Values:
    """Do it, again and again if need be, and report only what came of it in the end."""
    attempts = judge.attempts
    for attempt in range(1, attempts + 1):
        result = judge.verdict(_attempt(call))
        if attempts > 1:
            result = replace(result, data={**result.data, "attempts": attempt})
        if judge.is_done(result):
            break
        if attempt == attempts:
            result = judge.exhausted(result)
        else:
            call.host.progress(call.label, attempt, attempts, "attempts")
            pause(judge.delay)
    noted = call.host.note(call.label, result, call.manner, planned=judge.planned)
    return Registered(noted, call.entry.where)


def _attempt(call: Call) -> Result:
    todo = act(call)
    return todo if isinstance(todo, Result) else merged(list(_results(call, todo)))


def _results(call: Call, steps: Sequence[Step]) -> Sequence[Result]:
    results: list[Result] = []
    for step in steps:
        name = _name(call, step)
        attempt = call.host.attempt
        results.append(attempt(step.declaration, call.manner, name=name, content=step.content))
        if results[-1].status in {"failed", "cancelled", "not_run"}:
            break
    return results


def _name(call: Call, step: Step) -> str:
    return f"{call.label}: {step.part}" if step.part else call.label
