"""An archive in which every text that an agent, a model or a task can choose is an attack on whoever reads it."""

from pathlib import Path

import msgspec

from dgm.archive import AGENTS, ARTIFACTS, LOG
from dgm.commits import message
from dgm.config import Config
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.expand import Diagnosis, Draft
from dgm.files import File, digest, pack
from dgm.git import Repository
from dgm.jobs import Evaluate, Expand, Usage
from dgm.log import sealed, whole
from dgm.settings import resolved

RUN = "window.pwned=1"
TRICKS = (
    f"</script><script>{RUN}</script>",
    f"<!--<script>{RUN}//--><script>{RUN}</script>",
    f"</style></title></textarea></noscript><img src=x onerror={RUN}>",
    f'"><svg onload={RUN}><script>{RUN}</script></svg>',
    f"' autofocus onfocus={RUN} x='",
    f"javascript:{RUN}",
    f"#/agent/0000' onmouseover='{RUN}",
    f"{{{{constructor.constructor('{RUN}')()}}}} ${{{RUN}}}",
    f"&lt;script&gt;{RUN}&lt;/script&gt; &#60;img src=x onerror={RUN}&#62;",
    "<base href=http://127.0.0.1:9/><link rel=stylesheet href=//127.0.0.1:9/x.css><style>@import url(http://127.0.0.1:9/)",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><iframe src=http://127.0.0.1:9/></iframe>",
    f"\u2028{RUN}\u2029;{RUN}\u0085",
    "\u202efdp.exe\u202c \u2066isolated\u2069 \u200b\u200d\ufeff\u00ad\u061c\U000e0041 hidden",
    "\x1b]0;owned\x07\x1b[2J\x00\x08\x7f\x9b31m \r\n\t end",
    "\\u003cscript\\u003e \\x3cscript\\x3e %3Cscript%3E",
    "__proto__",
    "constructor",
    "Z\u0351\u0352\u0353\u0354\u0355" * 30,
    "שלום עולם <b>bold</b> مرحبا",
    "A" * 50_000,
)
IMAGES = (
    "<img src=x onerror=window.pwned=1>",
    "</script>.py",
    "javascript:window.pwned=1",
    "a b&c='d'.py",
    "__proto__",
)
"""Names of files, which have to be printable."""


def attack(folder: Path) -> list[str]:
    """Make it; returns the ids of the agents."""
    folder.mkdir()
    (folder / ARTIFACTS).mkdir()
    repository = Repository.create(folder / AGENTS)
    everything = "\n".join(TRICKS)
    tasks = tuple(f"x/{trick[:900]}" for trick in TRICKS)
    config = resolved(Config())
    config["run"]["benchmark"] = TRICKS[0]
    config["policy"]["name"] = TRICKS[2]
    config["models"]["solve"]["name"] = TRICKS[3]
    log: list[AnyEvent] = [
        RunConfigured(1e9, "0", config, tasks, "v", quarantined={TRICKS[1]: everything}, held_out=(TRICKS[4],))
    ]
    sources = [{"start": File(b"1\n")}]
    ids = [repository.commit(sources[0], (), "seed", 1e9)]
    log.append(AgentBorn(1e9, ids[0], digest(sources[0])))
    for n, trick in enumerate(TRICKS):
        job = 3 * n + 1
        log.append(JobStarted(1e9 + n, job, Expand(ids[-1], tasks[n])))
        thought(folder / ARTIFACTS / str(job), trick)
        source = {
            **sources[-1],
            "start": File(f"{trick}\n{n}\n".encode()),
            IMAGES[n % len(IMAGES)]: File(everything.encode() * (n + 1)),
        }
        ids.append(repository.commit(source, (ids[-1],), message("s", job), 1e9))
        sources.append(source)
        log.append(AgentBorn(1e9 + n, ids[-1], digest(source), ids[-2], job, trick, Usage(0.1)))
        log.append(JobStarted(1e9 + n, job + 1, Evaluate(ids[-1], tasks[n])))
        log.append(TaskScored(1e9 + n, job + 1, n % 3 > 0, Usage(0.1), (trick, "probed:" + trick)))
        log.append(JobStarted(1e9 + n, job + 2, Expand(ids[n // 2], tasks[n])))
        thought(folder / ARTIFACTS / str(job + 2), trick)
        draft = Draft(pack(source), trick, 1.0, (trick,), trick if n % 2 else "")
        (folder / ARTIFACTS / str(job + 2) / "draft.json").write_bytes(msgspec.json.encode(draft))
        log.append(JobFailed(1e9 + n, job + 2, "stillborn" if n % 4 else "infra", trick, Usage(0.1)))
    (folder / LOG).write_bytes(whole(map(sealed, log)))
    repository.close()
    return ids


def thought(folder: Path, trick: str) -> None:
    folder.mkdir()
    (folder / "diagnosis.json").write_bytes(msgspec.json.encode(Diagnosis(trick, trick, trick, trick)))
    said = {
        "call": 1,
        "reserve": 0.0,
        "request": {"model": trick, "keep": 0, "messages": [{"role": "user", "content": trick}]},
    }
    (folder / "calls.jsonl").write_bytes(msgspec.json.encode(said) + b"\n")
    (folder / "odd <b>name.txt").write_bytes(b"x")
