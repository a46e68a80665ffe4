"""A simulation of a coding model of limited ability, so that the whole loop runs without a key and without cost.

It plays three parts: it solves tasks (`scripted_solving`), diagnoses agents and rewrites them (`scripted_rewriting`).
It stands on the host's side of the gateway and is built with the benchmark, so it knows the references; what it makes
of them depends on what the agent gives it. Invariant: it has no memory. Each reply is a pure function of the seed, the
benchmark and the content of the request, and nothing decides a score but the files that the agent leaves behind.
"""

import json
from typing import Any

from dgm.llm.canned import completion
from dgm.llm.scripted_rewriting import diagnosis, is_diagnosis, is_rewriting, rewriting_step
from dgm.llm.scripted_solving import Exercise, solving_step
from dgm.llm.scripted_wire import Call, Step, Talk, read_talk
from dgm.protocols import Benchmark, Chat, Price

DONE = Step("There is nothing that I can do here.")


class ScriptedModel:
    """Fulfils `dgm.protocols.Model`. Its results are a simulation and have to be called that wherever they show."""

    name = "scripted"

    def __init__(self, benchmark: Benchmark, seed: int = 0) -> None:
        """`seed`: another number is another model, with other strong and weak sides."""
        self._seed = seed
        self._exercises = [
            Exercise(id, benchmark.task(id), reference)
            for id in benchmark.tasks()
            if (reference := benchmark.reference(id)) is not None
        ]

    def price(self) -> Price:
        return Price(0.0, 0.0)

    def complete(self, request: Chat, seconds: float) -> Chat:
        """Never fails, whatever the request is."""
        talk = read_talk(request)
        return completion(self.name, len(talk.turns), spoken(self._step(talk), talk), request)

    def _step(self, talk: Talk) -> Step:
        if is_diagnosis(talk):
            return diagnosis(talk, self._seed)
        if is_rewriting(talk):
            return rewriting_step(talk, self._seed)
        exercise = recognised(talk, self._exercises)
        return DONE if exercise is None else solving_step(talk, exercise, self._seed)


def recognised(talk: Talk, exercises: list[Exercise]) -> Exercise | None:
    """The exercise whose statement begins earliest in the prompt."""
    prompt = " ".join(talk.prompt.split())
    found = [(place, each.id, each) for each in exercises if (place := prompt.find(each.head)) >= 0]
    return min(found)[2] if found else None


def spoken(step: Step, talk: Talk) -> dict[str, Any]:
    """`step` as an assistant's message: with tool calls where the agent offers tools, else in text form."""
    calls = [wired(call, talk) for call in step.calls]
    if not calls:
        return {"role": "assistant", "content": step.say}
    if talk.tools:
        made = [
            {
                "id": f"call_{len(talk.turns)}_{i}",
                "type": "function",
                "function": {"name": n, "arguments": json.dumps(a)},
            }
            for i, (n, a) in enumerate(calls)
        ]
        return {"role": "assistant", "content": step.say, "tool_calls": made}
    blocks = [f"```json\n{json.dumps({'name': n, 'arguments': a})}\n```" for n, a in calls]
    return {"role": "assistant", "content": "\n\n".join([step.say, *blocks])}


def wired(call: Call, talk: Talk) -> tuple[str, dict[str, str]]:
    """Name and arguments of `call` for the tools at hand: a file is written with `edit` where that is offered."""
    if call.path is not None and talk.can_write:
        return "edit", {"command": "write", "path": call.path, "content": call.text}
    shell, argument = talk.shell
    return shell, {argument: call.command}
