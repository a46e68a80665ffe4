"""Images that were made of others by a command of ours: what they are called, and how they are found again.

Invariant: the name and the label of such an image tell what it was made of, and what lacks one of the two, such as an
image that somebody has built on top of it, is none. It comes into being with its name, in one order to the engine.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from secrets import token_hex
from typing import Any

from docker import APIClient
from docker.errors import NotFound
from msgspec import Struct

REPOSITORY, LABEL = "dgm-derived", "dgm.derived"
MARK = "/.dgm-derived"
"""A file with a word of this very making. Some runtimes keep what a container writes to themselves, as gVisor's overlay
does, and an image that the engine makes of such a container is the one below it, with all that was to be gone."""
NAMED = re.compile(rf"(localhost/)?{REPOSITORY}:([0-9a-f]{{32}})-[0-9a-f]{{8}}")


class Derived(Struct, frozen=True):
    """One that is here."""

    name: str
    id: str
    key: str
    base: str
    """The id of the image that it was made of."""
    size: int
    """Bytes that it takes beyond its base."""


def key_of(base: str, words: Sequence[str], pythons: Sequence[str]) -> str:
    """What is the same for images that are made of `base` by the same words."""
    return sha256(json.dumps([MARK, base, *pythons, "", *words]).encode()).hexdigest()[:32]


def found(listed: Sequence[Mapping[str, Any]]) -> Iterator[Derived]:
    """Those among the images that an engine has listed."""
    for one in listed:
        words = str((one.get("Labels") or {}).get(LABEL, "")).split()
        for name in one.get("RepoTags") or () if len(words) == 3 and words[2].isdigit() else ():
            match = NAMED.fullmatch(name)
            if match and match[2] == words[0]:
                yield Derived(name, one["Id"], words[0], words[1], int(words[2]))


def written(engine: APIClient, container: str) -> int:
    """Bytes that a container has written to its root. Raises `DockerException`, `RequestException`."""
    listed = engine.containers(all=True, size=True, filters={"id": container})
    return sum(one.get("SizeRw") or 0 for one in listed)


def marked(engine: APIClient, container: str, word: str) -> bool:
    """Whether the engine sees what was written in a container, of which `word` at `MARK` was the first. Raises
    `DockerException`, `RequestException`."""
    try:
        chunks, _ = engine.get_archive(container, MARK)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile(MARK.rpartition("/")[2])
            return file is not None and file.read() == word.encode()
    except (NotFound, KeyError, tarfile.TarError):
        return False


def commit(engine: APIClient, container: str, key: str, base: str, size: int) -> Derived:
    """Make an image of what a container has made of `base`. Environment and volumes are those of `base`; all else that
    an image says of how to run it, each errand says for itself. Raises `DockerException`, `RequestException`."""
    name = f"{REPOSITORY}:{key}-{token_hex(4)}"
    # Containers inherit labels, and who looks for those of this run may find no others.
    labels = {LABEL: f"{key} {base} {size}", "dgm.run": "", "dgm.driver": "", "dgm.job": ""}
    changes = [f"LABEL {label}={json.dumps(text)}" for label, text in labels.items()]
    repository, _, tag = name.partition(":")
    made = engine.commit(container, repository, tag, pause=False, changes=changes)
    return Derived(name, made["Id"], key, base, size)
