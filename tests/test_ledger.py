import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm import ledger as module
from dgm.jobs import Usage
from dgm.keys import redact, secrets
from dgm.ledger import NAME, Ledger, cut, read_transcript, spent

TOOL = {"type": "function", "function": {"name": "bash", "description": "Run it."}}


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(texts)]


def asked(*texts: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": said(*texts), "max_tokens": 5, **more}


def reply(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path / "job", durable=True)
    for number, texts in enumerate([("one",), ("one", "two", "three"), ("other",)], start=1):
        call = ledger.reserve(0.5, asked(*texts, tools=[TOOL]))
        assert call == number
        if call == 2:
            ledger.fail(call, 0.5, True, 1.0, "no answer")
        else:
            ledger.settle(call, Usage(0.1, 1, 10, 2), 1.0, reply(f"reply {call}"))
    call = ledger.reserve(0.25, asked("last"))
    ledger.fail(call, 0.0, False, 0.1, "turned away")
    ledger.close()
    return tmp_path / "job"


def test_the_account_adds_up(folder: Path) -> None:
    assert spent(folder) == Usage(0.7, 3, 20, 4)
    assert spent(folder / "none") == Usage()


def test_only_what_is_new_is_written_and_all_of_it_can_be_read(folder: Path) -> None:
    lines = [msgspec.json.decode(line) for line in (folder / NAME).read_bytes().splitlines()]
    requests = [line["request"] for line in lines if "request" in line]
    assert [(request["keep"], len(request["messages"])) for request in requests] == [(0, 1), (1, 2), (0, 1), (0, 1)]
    assert ["tools" in request for request in requests] == [True, False, False, True]
    text = read_transcript(folder)
    for part in ("[user] one", "[assistant] two", "[user] three", "[assistant] reply 1", "no answer", "[tool] bash"):
        assert part in text
    assert text.count("[user] one") == 1


@given(st.data())
def test_wherever_it_is_torn_no_cost_is_lost(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    ledger = Ledger(folder, durable=False)
    for _ in range(3):
        ledger.settle(ledger.reserve(0.5, asked("é\u2028")), Usage(0.25, 1, 1, 1), 0.0, reply("\u2028"))
    ledger.close()
    whole = (folder / NAME).read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    (folder / NAME).write_bytes(whole[:at])
    before = spent(folder)
    lines = whole[:at].count(b"\n") + (at < len(whole) and whole[at : at + 1] == b"\n")
    reserved, settled = (lines + 1) // 2, lines // 2
    assert before.usd == 0.5 * (reserved - settled) + 0.25 * settled
    ledger = Ledger(folder, durable=False)
    call = ledger.reserve(0.5, asked("again"))
    ledger.close()
    assert call == before.calls + 1
    assert spent(folder) == before + Usage(0.5, 1)


def test_secrets_are_hidden_even_where_texts_are_cut(tmp_path: Path) -> None:
    key = "secret-key-" + "x" * 30
    ledger = Ledger(tmp_path, durable=False, secrets=[key])
    for shift in range(0, 60, 5):
        text = "a" * (module.MAX_TEXT // 2 - shift) + key + "b" * module.MAX_TEXT
        ledger.settle(ledger.reserve(0.0, asked(text, user={key: key})), Usage(), 0.0, reply(key))
    ledger.close()
    data = (tmp_path / NAME).read_text()
    assert key[:15] not in data
    assert data.count("characters left out") == 12


def test_beyond_its_size_only_accounts_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE", 1000)
    ledger = Ledger(tmp_path, durable=False)
    for number in range(20):
        ledger.settle(ledger.reserve(1.0, asked("x" * 400 + str(number))), Usage(0.5, 1), 0.0, reply("y" * 400))
    ledger.close()
    assert (tmp_path / NAME).stat().st_size < 6000
    assert spent(tmp_path) == Usage(10.0, 20)
    assert "size limit" in read_transcript(tmp_path)


def test_a_full_disk_is_an_error_that_leaves_no_torn_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, durable=False)
    ledger.reserve(0.5, asked("one"))
    whole = (tmp_path / NAME).read_bytes()
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, hard))
        with pytest.raises(OSError):
            ledger.reserve(0.5, asked("two"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / NAME).read_bytes() == whole
    assert ledger.reserve(0.5, asked("three")) == 2
    ledger.close()
    assert spent(tmp_path) == Usage(1.0, 2)


@given(st.text(), st.integers(1, 50))
def test_cut_keeps_both_ends(text: str, most: int) -> None:
    short = cut(text, most)
    half = most // 2
    left_out = f"{len(text) - 2 * half:,} characters left out"
    assert short == text or (short.startswith(text[:half]) and short.endswith(text[-half:]) and left_out in short)


def test_keys_are_found_in_the_environment() -> None:
    env = {"OPENAI_API_KEY": "sk-1234567890", "HF_TOKEN": "hf", "MINE": "short", "HOME": "/root", "EMPTY": ""}
    assert secrets(env, ["MINE", "EMPTY", "ABSENT"]) == {"sk-1234567890", "short"}


def test_redaction_finds_escaped_and_overlapping_keys() -> None:
    assert redact('a "k\\"ey1" b', ['k"ey1']) == 'a "[key]" b'
    assert redact("abcdef abc", ["abc", "abcdef"]) == "[key] [key]"


def test_a_copy_of_the_file_in_a_process_being_forked_holds_up_nobody(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, durable=False)
    copy = os.dup(ledger._file)
    ledger.close()
    Ledger(tmp_path, durable=False).close()
    os.close(copy)
