"""Models: real ones, a simulated one, recorded ones.

Invariant: what is heavy is imported only once a model of that kind is opened.
"""

from collections.abc import Mapping
from pathlib import Path

from dgm import keys
from dgm.config import ModelConfig
from dgm.protocols import Benchmark, Model

REPLAY = "replay:"
"""What stands before the file of a recording in place of a model's name."""


def open_model(config: ModelConfig, benchmark: Benchmark, env: Mapping[str, str]) -> Model:
    """The model that `config` names, checked without a call. Raises `ConfigError`, which says what to do.

    The scripted one has to know the `benchmark`.
    """
    from dgm.llm.cassette import Player, Recorder

    if config.name.startswith(REPLAY):
        return Player(Path(config.name.removeprefix(REPLAY)))
    model = _live(config, benchmark, env)
    if config.record:
        return Recorder(model, Path(config.record), keys.secrets(env, [config.api_key_env]))
    return model


def _live(config: ModelConfig, benchmark: Benchmark, env: Mapping[str, str]) -> Model:
    if config.name == "scripted":
        from dgm.llm.scripted import ScriptedModel

        return ScriptedModel(benchmark)
    from dgm.llm.provider import ProviderModel

    model = ProviderModel(config, env)
    model.check()
    return model
