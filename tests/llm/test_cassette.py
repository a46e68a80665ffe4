from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.config import ConfigError
from dgm.llm.canned import CannedModel
from dgm.llm.cassette import Player, Recorder, digest
from dgm.protocols import Chat, ModelFault, Price

SECRET = 'sk-"quoted"-secret'


class Scripted:
    """A model that says what it is given, in turn."""

    name = "m"

    def __init__(self, *said: Chat | ModelFault) -> None:
        self.said = list(said)

    def price(self) -> Price | None:
        return Price(1e-6, 2e-6)

    def complete(self, request: Chat, seconds: float) -> Chat:
        said = self.said.pop(0)
        if isinstance(said, ModelFault):
            raise said
        return said


def asked(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 10}


def test_replies_come_back_byte_for_byte_and_in_order(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    recorder = Recorder(CannedModel(), tape)
    requests = [asked("one"), asked("two\u2028\n\0é"), asked("one")]
    replies = [msgspec.json.encode(recorder.complete(request, 1.0)) for request in requests]
    player = Player(tape)
    assert (player.name, player.price()) == (recorder.name, recorder.price())
    # Other requests in between do not matter, only the order of equal ones.
    order = [1, 0, 2]
    again = {i: msgspec.json.encode(player.complete(requests[i], 1.0)) for i in order}
    assert [again[i] for i in range(3)] == replies


def test_a_cassette_can_be_continued(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    for _ in range(2):
        Recorder(CannedModel(), tape).complete(asked("one"), 1.0)
    player = Player(tape)
    assert player.complete(asked("one"), 1.0) == player.complete(asked("one"), 1.0)


def test_what_was_not_recorded_is_refused(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    Recorder(CannedModel(), tape).complete(asked("one"), 1.0)
    player = Player(tape)
    player.complete(asked("one"), 1.0)
    for request, text in ((asked("one"), "no more replies"), (asked("two"), "no request like this")):
        with pytest.raises(ModelFault, match=text) as caught:
            player.complete(request, 1.0)
        assert caught.value.kind == "refused"


def test_faults_are_replayed_too(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    recorder = Recorder(Scripted(ModelFault("busy", "later", 2.5, True), {"choices": []}), tape)
    with pytest.raises(ModelFault):
        recorder.complete(asked("one"), 1.0)
    recorder.complete(asked("one"), 1.0)
    player = Player(tape)
    with pytest.raises(ModelFault, match="later") as caught:
        player.complete(asked("one"), 1.0)
    assert (caught.value.kind, caught.value.retry_after, caught.value.billed) == ("busy", 2.5, True)
    assert player.complete(asked("one"), 1.0) == {"choices": []}


def test_secrets_are_not_recorded(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    recorder = Recorder(Scripted({"text": SECRET}, ModelFault("denied", SECRET)), tape, [SECRET])
    recorder.complete(asked(SECRET), 1.0)
    with pytest.raises(ModelFault):
        recorder.complete(asked("x"), 1.0)
    assert "quoted" not in tape.read_text()
    Player(tape)


@pytest.mark.parametrize("content", ["", "nonsense", '{"line":"exchange","request":{}}', '{"line":"model"}\n{'])
def test_another_file_is_no_cassette(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other"
    path.write_text(content)
    with pytest.raises(ConfigError, match="not a cassette"):
        Player(path)


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=4))
def test_the_order_of_keys_does_not_matter(request: dict[str, Any]) -> None:
    assert digest(dict(reversed(request.items()))) == digest(request)
