import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest

from dgm import settings
from dgm.benchmarks import BadBenchmark, open_benchmark, recommended
from dgm.config import Config, ConfigError, ModelConfig, RunConfig


def test_the_template_states_the_defaults_and_explains_them() -> None:
    text = settings.template()
    assert settings.resolved(settings.build(tomllib.loads(text))) == settings.resolved(Config())
    assert "[attempt]" in text
    undocumented = [
        key
        for key in settings.all_keys()
        if f"\n{key.split('.')[-1]} =" not in text and f"# {key.split('.')[-1]} =" not in text
    ]
    assert not undocumented


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"run": {"evaluation": 3}}, "unknown setting `run.evaluation`; did you mean `run.evaluations`"),
        ({"rum": {"evaluations": 3}}, "unknown setting `rum.evaluations`; did you mean `run.evaluations`"),
        ({"run": {"evaluations": "many"}}, "run.evaluations"),
        ({"run": {"evaluations": 0}}, "run.evaluations must be at least 1"),
        ({"run": 3}, "run"),
        ({"models": {"default": 3}}, "models"),
        ({"models": {"sovle": {"name": "x"}}}, "did you mean `models.solve.name`"),
        ({"policy": {"epsilon": 1}}, "policy.epsilon"),
        ({"models": {"default": {"api_key_env": "sk-123"}}}, "never the key itself"),
        ({"caps": {"usd_per_run": -1}}, "caps must not be negative"),
        ({"caps": {"usd_per_job": float("nan")}}, "caps must not be negative"),
        ({"attempt": {"seconds": 0}}, "limits must be positive"),
        ({"attempt": {"seconds": float("inf")}}, "limits must be positive, and at most"),
        ({"grading": {"cpus": float("nan")}}, "limits must be positive"),
        ({"attempt": {"memory_mb": 1}}, "memory_mb at least 16"),
        ({"expansion": {"memory_mb": 10**18}}, "limits must be positive, and at most"),
        ({"sandbox": {"kind": "podman"}}, "sandbox.kind"),
    ],
)
def test_a_setting_that_is_not_understood_is_named(table: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.build(table)
    assert says in str(caught.value)
    assert "sk-123" not in str(caught.value)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "dgm.toml"
    file.write_text(
        '[run]\nslots = 1\nevaluations = 1\nrandom_seed = 1\n[models.default]\nname = "m"\nmax_tokens = 7\n'
    )
    environ = {"DGM_RUN_SLOTS": "2", "DGM_RUN_EVALUATIONS": "2", "PATH": "/bin"}
    config = settings.load(file, environ, ["run.slots=3", "models.solve.name=openai/other"])
    assert (config.run.slots, config.run.evaluations, config.run.random_seed) == (3, 2, 1)
    assert config.model("solve") == ModelConfig(name="openai/other", max_tokens=7), (
        "a role overrides keys of the default"
    )
    assert config.model("improve").name == "m"


def test_an_environment_variable_that_means_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match="DGM_RUN_SLOTS"):
        settings.load(None, {"DGM_RUN_SLOT": "2"})


@pytest.mark.parametrize("text", ["[run", "\xff", "run = 1\nrun = 2"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "dgm.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"dgm\.toml cannot be read"):
        settings.load(file, {})
    with pytest.raises(ConfigError, match=r"absent cannot be read: No such file or directory; `dgm init`"):
        settings.load(tmp_path / "absent", {})


def test_differences_are_named_by_key() -> None:
    old = settings.resolved(Config())
    new = settings.resolved(settings.load(None, {}, ["run.slots=3", "models.improve.name=x"]))
    assert settings.differences(old, new) == ["models.improve.name", "run.slots"]
    del old["caps"]
    assert settings.differences(old, new) == ["models.improve.name", "run.slots"], "what is missing has its default"


def test_what_a_log_says_differs_in_nothing_from_what_was_written_to_it() -> None:
    given = ['run.tasks=["a", "b"]', 'run.held_out=["c"]', "models.solve.extra.stop=['x']", "caps.usd_per_run=1"]
    now = settings.resolved(settings.load(None, {}, given))
    assert settings.differences(msgspec.json.decode(msgspec.json.encode(now)), now) == []


def test_no_secret_has_a_place_in_the_settings() -> None:
    assert not [key for key in settings.all_keys() if key.endswith(("key", "token", "secret", "password"))]


def test_where_the_machine_keeps_its_cache_is_no_setting() -> None:
    assert settings.load(None, {"DGM_CACHE": "/somewhere"}) == Config()


def test_one_limit_leaves_the_others_as_they_are() -> None:
    found = settings.load(None, {}, ["grading.pids=99"]).grading
    assert (found.pids, found.seconds) == (99, Config().grading.seconds)


def test_recommended_limits_hold_where_none_are_set(tmp_path: Path) -> None:
    (tmp_path / "benchmark.toml").write_text(
        'name = "own"\n[limits]\ngrading = { seconds = 1800, memory_mb = 4096 }\nattempt = { pids = 1024 }\n'
    )
    words = [f"run.benchmark={tmp_path}", "grading.memory_mb=512"]
    found = settings.load(None, {}, words, recommended)
    assert (found.grading.seconds, found.grading.memory_mb, found.grading.pids) == (1800.0, 512, 256)
    assert found.attempt.pids == 1024
    assert recommended(str(tmp_path / "missing")) == {}


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("grading = { minutes = 3 }", r"grading\.minutes is no limit"),
        ("grading = { second = 3 }", r"grading\.second is no limit; did you mean `seconds`"),
        ("grading = { seconds = inf }", "grading: limits must be positive, and at most"),
        ("attempt = { memory_mb = -1 }", "attempt: limits must be positive"),
        ("attempt = { memory_mb = 0.5 }", "Expected `int`, got `float`"),
        ("attempts = { seconds = 3 }", "unknown field `attempts`.*did you mean `attempt`"),
    ],
)
def test_a_wrong_recommendation_is_the_benchmarks_mistake(tmp_path: Path, limits: str, says: str) -> None:
    (tmp_path / "benchmark.toml").write_text(f'name = "own"\n[limits]\n{limits}\n')
    assert settings.load(None, {}, [f"run.benchmark={tmp_path}"], recommended) == Config(
        run=RunConfig(benchmark=str(tmp_path))
    )
    with pytest.raises(BadBenchmark, match=rf"{tmp_path}/benchmark\.toml: .*{says}"):
        open_benchmark(str(tmp_path))


def test_what_an_import_has_put_beside_the_settings_of_a_log_is_none_of_them() -> None:
    recorded = {**settings.resolved(Config()), "imported": {"system": "hgm", "runnable": True}}
    assert settings.build(settings.own(recorded)) == settings.build(settings.resolved(Config()))


def test_a_refusal_says_how_to_keep_the_old_settings() -> None:
    words = ["run.evaluations=40", "run.held_out=10", 'run.controls=["resample"]', "sandbox.image=an image"]
    old = settings.resolved(settings.layered({}, {}, words))
    keys = settings.differences(old, settings.resolved(Config()))
    said = settings.refusal(old, [*keys, "benchmark"])
    line = said.split("old ones: ")[1].split(". To change")[0]
    again = [word for word in shlex.split(line) if "=" in word]
    assert settings.resolved(settings.layered({}, {}, again)) == old
    assert "(benchmark as it was)" in said
    assert "--amend run.evaluations --amend run.held_out" in said
    assert "held out may be searched" in said
    assert "searched" not in settings.refusal(settings.resolved(Config()), ["run.held_out"])
    assert "(run.tasks as it was)" in settings.refusal({"run": {"tasks": ["task"] * 99}}, ["run.tasks"])
