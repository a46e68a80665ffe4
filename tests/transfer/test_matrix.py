"""What a replay is about: who, on which tasks, under which settings."""

from pathlib import Path

import pytest

from dgm.archive import Archive, Reader
from dgm.config import Config, ConfigError, ModelConfig
from dgm.events import RunConfigured
from dgm.files import File, write_folder
from dgm.jobs import Expand, Rewrite
from dgm.log import Damaged
from dgm.settings import build, resolved
from dgm.transfer import matrix
from dgm.transfer.matrix import Plan
from dgm.transfer.terms import Options, settings_for
from tests.benchmarks.samples import shop
from tests.shells import shell

SEARCHED, HELD_OUT = ("starter/slug", "starter/trie"), ("starter/units",)
MODEL = {"name": "openai/a", "api_base": "http://one", "api_key_env": "KEY", "usd_per_million_in": 1.0, "max_tokens": 9}


def run(folder: Path, **sections: dict[str, object]) -> Reader:
    """A run with a seed and a child."""
    config = build({"models": {"solve": MODEL}, "attempt": {"seconds": 7.0}, **sections})
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(config), SEARCHED, "v", held_out=HELD_OUT))
        job = archive.start(Expand(archive.seed(shell("a"))))
        archive.finish(job.id, Rewrite(shell("b"), "better"))
    return Reader(folder)


def options(*overrides: str, path: Path | None = None) -> Options:
    return Options(path, {}, overrides)


def test_the_runs_own_benchmark_is_measured_on_what_it_searched_and_never_on_what_it_holds_out(tmp_path: Path) -> None:
    tree = run(tmp_path / "run").tree
    block = matrix.block(tree, "starter", "scripted", options(), 2, tmp_path)
    assert (block.tasks, block.held_out, block.searched) == (SEARCHED, HELD_OUT, 2)
    assert [cell.config.run.repeat for cell in block.cells] == [0, 1]
    every = matrix.block(tree, "starter", "scripted", options("run.tasks=29"), 1, tmp_path)
    assert (len(every.tasks), every.searched) == (29, 2)
    assert not set(HELD_OUT) & set(every.tasks)
    with pytest.raises(ConfigError, match="there are 29 tasks"):
        matrix.block(tree, "starter", "scripted", options("run.tasks=30"), 1, tmp_path)


def test_a_task_of_the_run_is_known_under_another_benchmarks_name(tmp_path: Path) -> None:
    from dgm.shipped import shipped

    tree, mine = run(tmp_path / "run").tree, tmp_path / "mine"
    (mine / "tasks").mkdir(parents=True)
    (mine / "benchmark.toml").write_text('name = "mine"\n')
    for name in ("units", "slug", "semver"):
        (mine / "tasks" / name).symlink_to(shipped("benchmarks", "starter") / "tasks" / name)
    block = matrix.block(tree, str(mine), "scripted", options(), 1, tmp_path)
    assert (block.tasks, block.held_out, block.searched) == (("mine/semver", "mine/slug"), ("mine/units",), 1)
    (mine / "tasks" / "units").unlink()
    shop(tmp_path / "shop")
    (task,) = (tmp_path / "shop" / "tasks").iterdir()
    (mine / "tasks" / "units").symlink_to(task)
    assert not matrix.block(tree, str(mine), "scripted", options(), 1, tmp_path).held_out, "only called the same"


def test_of_the_record_nothing_is_taken_that_belongs_to_another_model_or_benchmark(tmp_path: Path) -> None:
    tree = run(tmp_path / "run").tree

    def model(name: str, *overrides: str) -> ModelConfig:
        return settings_for(tree, "starter", name, options(*overrides)).model("solve")

    same = model("openai/a")
    assert (same.name, same.api_base, same.usd_per_million_in, same.max_tokens) == ("openai/a", "http://one", 1.0, 9)
    assert model("") == same
    sister = model("openai/b")
    assert (sister.api_base, sister.api_key_env, sister.usd_per_million_in) == ("http://one", "KEY", None)
    other = model("mistral/c", "models.solve.usd_per_million_in=3")
    assert (other.api_base, other.api_key_env, other.usd_per_million_in, other.max_tokens) == ("", "", 3.0, 9)
    assert settings_for(tree, "starter", "", options()).attempt.seconds == 7.0
    shop(tmp_path / "shop")
    assert settings_for(tree, str(tmp_path / "shop"), "", options()).attempt == Config().attempt


def test_a_file_has_a_table_for_each_model(tmp_path: Path) -> None:
    tree, path = run(tmp_path / "run").tree, tmp_path / "dgm.toml"
    path.write_text('[models.default]\nname = "openai/a"\nmax_tokens = 5\n[models.improve]\nname = "openai/z"\n')
    for name, tokens in (("openai/a", 5), ("openai/z", 5), ("openai/q", 5)):
        found = settings_for(tree, "starter", name, options(path=path))
        assert (found.model("solve").name, found.model("improve").name) == (name, name)
        assert found.model("solve").max_tokens == tokens


def test_a_name_means_whom_it_meant_when_the_replay_began(tmp_path: Path) -> None:
    reader = run(tmp_path / "run")
    seed, child = reader.tree.agents
    first = matrix.enlisted(reader, Plan(), [child[:6]], [])
    assert list(first) == [seed, child]
    plan = Plan((first[seed], first[child].__class__(first[child].digest, child, asked=("best",))))
    assert list(matrix.enlisted(reader, plan, ["best"], [])) == [seed, child]
    assert matrix.moved(reader, plan, ["best", "seed"]) == [("best", child, seed)]


def test_an_agent_in_a_folder_stays_what_it_was(tmp_path: Path) -> None:
    reader, folder, twin = run(tmp_path / "run"), tmp_path / "mine", tmp_path / "other" / "mine"
    write_folder(shell("c"), folder)
    write_folder(shell("c"), twin)
    found = matrix.enlisted(reader, Plan(), [], [folder])
    plan = Plan(tuple(found.values()))
    assert matrix.sources(reader, found.values(), tmp_path / "home")["mine"] == shell("c")
    with pytest.raises(ConfigError, match="has the same name"):
        matrix.enlisted(reader, plan, [], [twin])
    (folder / "start").write_bytes(b"changed")
    with pytest.raises(ConfigError, match="another --name"):
        matrix.enlisted(reader, plan, [], [folder])
    with pytest.raises(ConfigError, match="another --name"):
        matrix.sources(reader, plan.entrants, tmp_path / "home")
    with Archive(tmp_path / "home" / "cell") as archive:
        archive.configure(RunConfigured(1e9, "0", {}, SEARCHED, "v"))
        archive.seed(shell("c"))
    assert matrix.sources(reader, plan.entrants, tmp_path / "home")["mine"] == shell("c")


@pytest.mark.parametrize("files", [{}, {"main.py": File(b"")}])
def test_a_folder_without_a_start_is_no_agent(tmp_path: Path, files: dict[str, File]) -> None:
    write_folder(files, tmp_path / "mine")
    with pytest.raises(ConfigError, match="no `start`"):
        matrix.external(tmp_path / "mine")


def test_a_plan_grows_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    reader = run(tmp_path / "run")
    blocks = [matrix.block(reader.tree, "starter", "scripted", options(), repeats, tmp_path) for repeats in (1, 2)]
    entrants = matrix.enlisted(reader, Plan(), [], []).values()
    plan = matrix.planned(matrix.planned(Plan(), entrants, blocks[:1]), entrants, blocks[1:])
    assert [(cell.folder, cell.tasks) for cell in plan.cells] == [
        ("starter--scripted--0", 2),
        ("starter--scripted--1", 2),
    ]
    assert matrix.read_plan(tmp_path / "none") == Plan()
    matrix.write_plan(tmp_path / "new", plan)
    assert matrix.read_plan(tmp_path / "new") == plan
    (tmp_path / "new" / "replay.json").write_text("{")
    with pytest.raises(Damaged, match="cannot be read"):
        matrix.read_plan(tmp_path / "new")


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "", "a b\x1b[2J", "x" * 300])
def test_any_text_gives_the_name_of_a_folder(name: str) -> None:
    assert matrix.slug(matrix.slug(name)) == matrix.slug(name)
    assert "/" not in matrix.slug(name)
    assert matrix.slug(name) not in ("", ".", "..")
