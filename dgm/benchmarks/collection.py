"""Where exercises come from: a clone, an archive on disk, or an archive at a URL that is fetched once.

Invariant: an archive is read in memory and never unpacked; what is taken from it passed the rules of `dgm.files`.
"""

import re
import stat
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from dgm.benchmarks.held import BadBenchmark, read_tree, tell
from dgm.cache import cache_folder
from dgm.durable import place, sync_folder
from dgm.files import BadFiles, File, Files, checked, without_litter

SOURCE = "https://github.com/Aider-AI/polyglot-benchmark"
PLACE = re.compile(r"(?:^|/)([a-z]+)/exercises/practice/([a-z0-9-]+)/(.+)$")
MOST_BYTES, MOST_FILES = 300_000_000, 50_000
SECONDS = 60.0
"""Without a byte for this long, a download is given up."""

Exercises = Mapping[tuple[str, str], Files]
"""(language, exercise) to its files, paths relative to the exercise."""


def exercises(folder: Path, where: str, digest: str) -> Exercises:
    """The exercises at `where`: a path relative to `folder`, or a URL. `digest`: the SHA-256 that an archive must
    have, or nothing. Raises `BadBenchmark`."""
    path = located(folder, where, digest)
    if path.is_file():
        return read_archive(path, digest)
    places = sorted(config.parent.parent for config in path.glob("*/exercises/practice/*/.meta/config.json"))
    if not places:
        raise BadBenchmark(f"{path} holds no exercises; get the collection with git clone {SOURCE} {path}")
    return {(place.parts[-4], place.name): read_tree(place) for place in places}


def located(folder: Path, where: str, digest: str) -> Path:
    """The clone's folder or the archive that `exercises` reads. Raises `BadBenchmark`."""
    if where.startswith(("http://", "https://")):
        return fetched(where, digest)
    return folder / Path(where).expanduser()


def origin(folder: Path, where: str, digest: str) -> str:
    """Where exercises come from, for people; of an archive, with its SHA-256. Raises `BadBenchmark`."""
    path = located(folder, where, digest)
    place = where if where.startswith("http") else str(path)
    return f"{place} (SHA-256 {sha256(path.read_bytes()).hexdigest()})" if path.is_file() else place


# ---------------------------------------------------------------- archives


def read_archive(path: Path, digest: str) -> Exercises:
    """Raises `BadBenchmark`."""
    found = sha256(path.read_bytes()).hexdigest()
    if digest and found != digest.lower():
        raise BadBenchmark(f"{path} has the SHA-256 {found} and not {digest}; delete it, or correct `sha256`")
    held: dict[tuple[str, str], dict[str, File]] = {}
    try:
        for name, file in members(path):
            if place := PLACE.search(name):
                held.setdefault((place[1], place[2]), {})[place[3]] = file
        if not held:
            raise BadBenchmark(
                f"{path} holds no <language>/exercises/practice/<exercise>; is it an archive of {SOURCE}?"
            )
        return {key: checked(without_litter(files)) for key, files in sorted(held.items())}
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise BadBenchmark(f"{path} is not a readable .zip or .tar.gz: {error}") from error
    except BadFiles as error:
        raise BadBenchmark(f"{path} cannot be used: {error}") from error


def members(path: Path) -> Iterator[tuple[str, File]]:
    """The exercises' files in an archive, with what it says before its contents are believed: their number and size."""
    size = count = 0

    def weigh(more: int) -> None:
        nonlocal size, count
        size, count = size + more, count + 1
        if size > MOST_BYTES or count > MOST_FILES:
            raise BadFiles(f"it holds more than {MOST_BYTES:,} bytes or {MOST_FILES:,} files")

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as held:
            for info in held.infolist():
                weigh(info.file_size)
                mode = info.external_attr >> 16
                if info.is_dir() or not PLACE.search(info.filename):
                    continue
                if mode and not stat.S_ISREG(mode):
                    raise BadFiles(f"{info.filename!r} is not a regular file")
                yield info.filename, File(held.read(info), bool(mode & 0o100))
        return
    with tarfile.open(path) as tar:
        for member in tar:
            weigh(member.size)
            if member.isdir() or not PLACE.search(member.name):
                continue
            content = tar.extractfile(member) if member.isreg() and not member.issparse() else None
            if content is None:
                raise BadFiles(f"{member.name!r} is not a regular file")
            yield member.name, File(content.read(), bool(member.mode & 0o100))


def fetched(url: str, digest: str) -> Path:
    """The archive at `url` in the machine's cache folder, downloaded where it is not there. Raises `BadBenchmark`."""
    ending = next((end for end in (".zip", ".tar.gz", ".tgz") if url.split("?")[0].endswith(end)), ".archive")
    path = cache_folder() / "collections" / (sha256(f"{url} {digest}".encode()).hexdigest()[:32] + ending)
    if path.exists():
        return path
    tell(f"Fetching {url}; this happens once.")
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 # http and https only, see above
            data = answer.read(MOST_BYTES + 1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise BadBenchmark(f"{url} cannot be fetched: {error}; fetch it yourself and name its path") from error
    if len(data) > MOST_BYTES:
        raise BadBenchmark(f"{url} holds more than {MOST_BYTES:,} bytes; that is no collection of exercises")
    if digest and sha256(data).hexdigest() != digest.lower():
        raise BadBenchmark(f"{url} has the SHA-256 {sha256(data).hexdigest()} and not {digest}; it has changed")
    path.parent.mkdir(exist_ok=True)
    place(path, path.with_name(f"{path.name}.{token_hex(4)}.new"), data, 0o644)
    sync_folder(path.parent)
    return path
