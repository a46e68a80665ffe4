"""Models: real ones, a simulated one, recorded ones.

Invariant: what is heavy is imported only once a model of that kind is opened.
"""

from collections.abc import Mapping

from dgm.config import ModelConfig
from dgm.protocols import Benchmark, Model


def open_model(config: ModelConfig, benchmark: Benchmark, env: Mapping[str, str]) -> Model:
    """The model that `config` names, checked without a call. Raises `ConfigError`, which says what to do.

    The scripted one has to know the `benchmark`.
    """
    if config.name == "scripted":
        from dgm.llm.scripted import ScriptedModel

        return ScriptedModel(benchmark)
    from dgm.llm.provider import ProviderModel

    model = ProviderModel(config, env)
    model.check()
    return model
