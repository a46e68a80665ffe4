"""The command that takes agents to other benchmarks and models."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import ArchiveOption, JsonOption, SetOption, TrustOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm replay best --on ./my-tasks                         the best agent and the seed on other tasks
  dgm replay best 3f2a --on starter,./my-tasks --model openai/gpt-4.1,openai/gpt-4.1-mini --usd 40
  dgm replay best --agent-dir ./my-agent --on polyglot --repeats 3 --csv table.csv --figure table.png
  dgm replay best --on swebench-verified --predictions ./submission
  dgm replay --list

The same command goes on where it was ended, and with more agents, benchmarks or models the replay grows: --name says
which one is meant. The seed always takes part. Tasks that the run holds out never do: `dgm validate` scores those."""
)
@guarded
def replay(
    agents: Annotated[
        list[str] | None,
        typer.Argument(metavar="AGENT", help="Each a prefix of a hash, `seed`, or `best`.", show_default=False),
    ] = None,
    on: Annotated[
        str, typer.Option("--on", metavar="BENCHMARK,...", help="Names or folders. Default: the run's.")
    ] = "",
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME,...",
            help="Other settings of [models] are those of --config, else the run's. Default: the run's model.",
        ),
    ] = "",
    agent_dir: Annotated[
        list[Path] | None,
        typer.Option("--agent-dir", metavar="FOLDER", help="Any agent that meets the contract. Repeatable."),
    ] = None,
    usd: Annotated[
        float | None,
        typer.Option("--usd", min=0, metavar="USD", help="What the whole replay may cost. Default: caps.usd_per_run."),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, metavar="K", help="Attempts at each task.")] = 1,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Which replay. Default: from benchmarks and models.")
    ] = "",
    archive: ArchiveOption = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="CONFIG", help="A TOML file, in place of the settings in the run's log."),
    ] = None,
    set: SetOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table there, too.")] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE", help="Draw it: .png, .svg or .pdf; needs matplotlib.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="DIR", help="Write patches as SWE-bench takes them, a file an agent."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its upper bound; do nothing.")] = False,
    list: Annotated[bool, typer.Option("--list", help="Print the replays of this archive, and end.")] = False,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Take agents to other benchmarks and models: a table with intervals."""
    if list:
        from dgm.cli.transfer_list import show_list

        return show_list(archive, json)
    from dgm.cli.transferring import Asked, Outputs, transfer

    asked = Asked(
        agents=tuple(agents or ()),
        folders=tuple(agent_dir or ()),
        benchmarks=on,
        models=model,
        usd=usd,
        repeats=repeats,
        name=name,
        path=config,
        overrides=tuple(set or ()),
        trusted=trust,
    )
    transfer(asked, archive, Outputs(csv, figure, predictions, json), dry_run)
