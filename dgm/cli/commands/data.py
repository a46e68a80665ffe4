"""The command that writes a run to files for other tools."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from dgm.cli.app import ArchiveOption, app
from dgm.cli.failing import guarded

Role = StrEnum("Role", ["solve", "improve", "diagnose"])
Outcome = StrEnum("Outcome", ["solved", "unsolved", "born", "stillborn", "infra", "provider", "lost", "interrupted"])


@app.command(
    epilog="""\b
Examples:
  dgm data ./tables                                   all of a run, into a folder
  dgm data agents.parquet                             one table: agents, results, jobs, costs, conversations
  dgm data lineage.graphml                            the lineage, for Gephi, yEd, networkx
  dgm data good.jsonl --role solve --only solved      conversations to train a model on
  dgm data counts.jsonl --no-text                     of the conversations, only where they come from

The libraries that it needs: pip install 'dgm[analysis]'"""
)
@guarded
def data(
    out: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="A folder, or a file that ends in .csv .parquet .graphml .jsonl.")
    ],
    archive: ArchiveOption = None,
    tables: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the tables in a folder.")] = "csv",
    role: Annotated[
        list[Role] | None,
        typer.Option(
            "--role", metavar="ROLE", help="Only conversations for this: solve, improve, diagnose. Repeatable."
        ),
    ] = None,
    only: Annotated[
        list[Outcome] | None,
        typer.Option(
            "--only",
            metavar="OUTCOME",
            help="Only those of jobs that ended so: solved, born, unsolved, ... Repeatable.",
        ),
    ] = None,
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Nothing that a model, a task or a tool has said; only metadata.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace files that are there.")] = False,
) -> None:
    """Write a run as tables, graph and trajectories, for other tools."""
    from dgm.cli.writing import write_data

    write_data(out, archive, tables, tuple(role or ()), tuple(only or ()), not no_text, replace)
