"""The application that `dgm.cli.commands` adds commands to, and the options that several of them have."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="dgm",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  dgm run                         grow an archive with the defaults: a simulation, no key needed
  dgm init && dgm run dgm.toml    the same with a commented configuration
  dgm status --watch              look at a run from another terminal
  dgm tree --top 20               the lineage of the twenty best agents
  dgm diff best                   what the best agent changed in its parent

Exit codes: 0 finished, 1 error, 2 usage or configuration, 3 stopped at a spending cap,
4 damaged archive, 5 machine unfit, 130 interrupted and resumable.""",
)

ArchiveOption = Annotated[
    Path | None,
    typer.Option("--archive", metavar="DIR", help="The run's folder. Default: $DGM_ARCHIVE, else archive/run."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ConfigArgument = Annotated[
    Path | None, typer.Argument(metavar="CONFIG", help="A TOML file. Default: dgm.toml if there is one.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting: run.slots=4. Repeatable.")
]
TrustOption = Annotated[
    bool, typer.Option("--trust", help="Use the models, keys and sandbox that the archive names, once and from now on.")
]
AgentArgument = Annotated[str, typer.Argument(metavar="AGENT", help="A prefix of its hash, `seed`, or `best`.")]


def version(wanted: bool) -> None:
    if wanted:
        from dgm import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Grow an archive of self-improving coding agents."""
