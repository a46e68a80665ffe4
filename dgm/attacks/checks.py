"""What the host looks at once an attack is over, by the name that a case gives.

Each function returns what the attack got, or nothing. Invariant: looking runs nothing that the attack left.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dgm.attacks.ground import CALLS, containers
from dgm.attacks.injection import honest_transcript, inert_statement, inert_text
from dgm.attacks.seen import Seen
from dgm.config import ModelConfig
from dgm.files import BadFiles, check_path, write_folder
from dgm.git import Repository
from dgm.protocols import Errand, Limits

PLAIN = {"messages", "model", "max_tokens"}
MOST_TOKENS = ModelConfig().max_tokens
TIME_TO_DIE = 20.0
"""Seconds in which a process that was killed leaves the list of a busy machine."""

# ---------------------------------------------------------------- the way to the model


def model_was_asked(seen: Seen) -> str:
    return "" if seen.requests else "no request reached the model, so nothing was tried"


def nobody_came(seen: Seen) -> str:
    visits = seen.ground.bait.visits
    return f"the host's own services had {visits} visits" if visits else ""


def only_plain_requests(seen: Seen) -> str:
    odd = [sorted(set(one) - PLAIN) for one in seen.requests if set(one) - PLAIN or one["model"] != "canned"]
    if odd or len(seen.requests) != 1:
        return f"{len(seen.requests)} requests reached the model instead of one, with {odd[:5]}"
    return f"{seen.requests[0]['max_tokens']} tokens asked for" if seen.requests[0]["max_tokens"] > MOST_TOKENS else ""


def no_request_at_all(seen: Seen) -> str:
    return f"{len(seen.requests)} requests reached the model" if seen.requests else ""


def calls_were_capped(seen: Seen) -> str:
    if len(seen.requests) > CALLS or any(one["max_tokens"] > MOST_TOKENS for one in seen.requests):
        return f"{len(seen.requests)} calls of {CALLS}"
    return model_was_asked(seen)


def call_given_up(seen: Seen) -> str:
    if not seen.requests:
        return model_was_asked(seen)
    return "" if seen.abandoned else "the call that hung is not marked as given up"


# ---------------------------------------------------------------- processes


def nothing_lives(seen: Seen) -> str:
    """No process of it in the machine's list, or no container of it in the engine's."""
    if seen.ran.seconds > seen.case.allowed().seconds + 30:
        return f"it took {seen.ran.seconds:.0f} s of {seen.case.allowed().seconds:.0f}"
    if any(set(file.data) - set(b"x") for path, file in seen.ran.changed.items() if path == "work/stays.txt"):
        return "its file was changed while it was read"
    if seen.ground.contained:
        return ", ".join(containers(seen.ground, seen.job))
    until = time.monotonic() + TIME_TO_DIE
    while (alive := processes(seen.ground.env(seen.job, None)["ATTACK_JOB"])) and time.monotonic() < until:
        time.sleep(0.05)
    return f"processes {alive[:5]} live on" if alive else ""


def processes(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if marker.encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return found


def machine_still_works(seen: Seen) -> str:
    ran = seen.ground.sandbox.run(Errand(seen.job, ("/bin/sh", "-c", "echo fine"), limits=Limits(seconds=60)))
    return "" if ran.output == b"fine\n" else f"the next errand ended by {ran.ended}"


def honest_report(seen: Seen) -> str:
    if seen.ran.exit != 7 or set(seen.ran.changed) != {"work/true.txt"}:
        return f"the host believes in exit code {seen.ran.exit} and {sorted(seen.ran.changed)}"
    return ""


# ---------------------------------------------------------------- what is taken out


def few_files_taken(seen: Seen) -> str:
    count, most = len(seen.ran.changed), seen.case.allowed().take_files
    return f"{count} files of {most}" if count > most else ""


def few_bytes_taken(seen: Seen) -> str:
    size, most = sum(len(file.data) for file in seen.ran.changed.values()), seen.case.allowed().take_bytes
    return f"{size:,} bytes of {most:,}" if size > most else ""


def output_cut(seen: Seen) -> str:
    size, most = len(seen.ran.output), seen.case.allowed().output_bytes
    return f"{size:,} bytes of {most:,}" if size > most + 200 else ""


def nothing_taken(seen: Seen) -> str:
    return f"taken: {sorted(seen.ran.changed)}" if seen.ran.changed else ""


def only_plain_names(seen: Seen) -> str:
    for path in (*seen.ran.changed, *seen.ran.deleted):
        try:
            check_path(path)
        except BadFiles as error:
            return str(error)
    if "work/-rf" not in seen.ran.changed:
        return "a harmless name was not taken"
    return "" if all(text.isprintable() for text in seen.ran.refused) else "a refusal that is not plain text"


def no_foreign_content(seen: Seen) -> str:
    odd = [path for path, file in seen.ran.changed.items() if file.data not in (b"mine", b"")]
    return f"content from elsewhere in {odd[:5]}" if odd else only_below_work(seen)


def only_below_work(seen: Seen) -> str:
    odd = [path for path in seen.ran.changed if not path.startswith("work/")]
    return f"taken from elsewhere: {odd[:5]}" if odd else ""


def host_ran_nothing(seen: Seen) -> str:
    """Store what came out as an agent's source is stored, and write it down: nothing of it may run."""
    changed = {path.removeprefix("work/"): file for path, file in seen.ran.changed.items()}
    if odd := [path for path in changed if "git" in path.split("/")[0].lower() and not path.startswith(".git")]:
        return f"taken: {odd}"
    if odd := [path for path in changed if "/" in path]:
        return f"taken: {odd}"
    repository = Repository.create(seen.ground.folder / f"git{seen.job}")
    try:
        with suppress(BadFiles):  # an agent with submodules is refused as a whole
            repository.commit(changed, (), "attack", 0.0)
        plain = {path: file for path, file in changed.items() if path != ".gitmodules"}
        repository.keep(repository.commit(plain, (), "attack", 0.0))
    finally:
        repository.close()
    write_folder(changed, seen.ground.folder / f"tree{seen.job}")
    return "the host carried out what the repository asked for" if os.path.exists(seen.ground.mark) else ""


CHECKS: dict[str, Callable[[Seen], str]] = {
    function.__name__: function
    for function in (
        model_was_asked,
        nobody_came,
        only_plain_requests,
        no_request_at_all,
        calls_were_capped,
        call_given_up,
        nothing_lives,
        machine_still_works,
        honest_report,
        few_files_taken,
        few_bytes_taken,
        output_cut,
        nothing_taken,
        only_plain_names,
        no_foreign_content,
        host_ran_nothing,
        inert_text,
        honest_transcript,
        inert_statement,
    )
}
