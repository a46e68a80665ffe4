"""The commands that set up a run and drive it."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import ArchiveOption, ConfigArgument, JsonOption, SetOption, app
from dgm.cli.failing import guarded


@app.command(epilog="\b\nExamples:\n  dgm init\n  dgm init my-run && cd my-run && dgm run")
@guarded
def init(folder: Annotated[Path, typer.Argument(metavar="DIR")] = Path()) -> None:
    """Write a commented configuration, dgm.toml."""
    from dgm.cli.setting import write_template

    write_template(folder)


@app.command(epilog="\b\nExamples:\n  dgm config\n  dgm config dgm.toml --set run.slots=4 --json")
@guarded
def config(config: ConfigArgument = None, set: SetOption = None, json: JsonOption = False) -> None:
    """Print all settings as a run would use them."""
    from dgm.cli.setting import show_config

    show_config(config, set or [], json)


@app.command(
    epilog="""\b
Examples:
  dgm prepare starter                    check every task of a shipped benchmark
  dgm prepare ./my-tasks                 the same for tasks of your own
  dgm prepare --config dgm.toml --json   what a run with these settings would use

What was found out is kept in $DGM_CACHE (default: ~/.cache/dgm), so that a second call is at once done."""
)
@guarded
def prepare(
    benchmark: Annotated[
        str | None, typer.Argument(metavar="BENCHMARK", help="A name or a folder. Default: run.benchmark.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="CONFIG", help="A TOML file. Default: dgm.toml if there is one.")
    ] = None,
    set: SetOption = None,
    tasks: Annotated[list[str] | None, typer.Option("--tasks", metavar="ID", help="Only this one. Repeatable.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Only the first N tasks.")] = None,
    times: Annotated[int, typer.Option("--times", min=1, metavar="N", help="Grade each patch so often.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Find out anew what is known already.")] = False,
    json: JsonOption = False,
) -> None:
    """Get the images of a benchmark, and find out which of its tasks can be trusted here."""
    from dgm.cli.preparing import prepare_benchmark

    prepare_benchmark(benchmark, config, set or [], tasks or [], limit, times, again, json)


@app.command(
    epilog="""\b
Examples:
  dgm run                                           simulation on the starter benchmark
  dgm run dgm.toml --archive archive/first          start, or go on after any interruption
  dgm run --set run.evaluations=200 --amend run.evaluations
  dgm run dgm.toml --dry-run                        the plan and its upper bound in dollars

Ctrl-C lets running jobs finish, a second one cancels them; either way the same command goes on later."""
)
@guarded
def run(
    config: ConfigArgument = None,
    archive: ArchiveOption = None,
    set: SetOption = None,
    amend: Annotated[
        list[str] | None, typer.Option("--amend", metavar="KEY", help="Accept a changed setting. Repeatable.")
    ] = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            "--repeat",
            min=0,
            metavar="N",
            help="Pay for the N-th repetition anew: run.repeat=N. In an archive that exists, with --amend run.repeat.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its upper bound; do nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --dry-run: print JSON.")] = False,
) -> None:
    """Start a run, or go on with it."""
    if json and not dry_run:
        from dgm.config import ConfigError

        raise ConfigError("--json belongs to --dry-run; `dgm status --json` tells how a run stands")
    from dgm.cli.setting import check_keys

    check_keys(amend or [])
    set = [*(set or []), *([] if repeat is None else [f"run.repeat={repeat}"])]
    if dry_run:
        from dgm.cli.planning import show_plan

        show_plan(config, archive, set, amend or [], json)
    else:
        from dgm.cli.driving import drive

        drive(config, archive, set, amend or [])
