"""The commands that foretell: policies in simulated worlds, and what a budget buys."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import ConfigArgument, JsonOption, SetOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm simulate --list
  dgm simulate --policies hgm,greedy --families hgm,rugged --seeds 50
  dgm simulate --families all,random-0..59 --seeds 2000..2199 --budget 800,1600 --k 1,5,20 --slots 1,20,200 \\
               --out archive/simulated --figures
  dgm simulate --archive archive/first --policies hgm,greedy --seeds 50

With --out every finished trial is kept: the same command goes on where it was ended, and a larger one takes what is
there. NAME:KEY=VALUE stands for a policy with other settings of [policy]: hgm:alpha=0.5:cooling=false."""
)
@guarded
def simulate(
    policies: Annotated[str, typer.Option("--policies", metavar="NAMES", help="Names, `all`, dotted paths.")] = "all",
    families: Annotated[
        str, typer.Option("--families", metavar="NAMES", help="Names, `all` of them, random-N, random-A..B.")
    ] = "all",
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="N|A..B", help="Worlds a family: how many, or which.")
    ] = "20",
    budget: Annotated[str, typer.Option("--budget", metavar="B,...", help="Evaluations.")] = "800",
    k: Annotated[str, typer.Option("--k", metavar="K,...", help="What an expansion costs, in evaluations.")] = "5",
    slots: Annotated[str, typer.Option("--slots", metavar="W,...", help="Jobs at once.")] = "1",
    tasks: Annotated[int, typer.Option("--tasks", metavar="N", help="Tasks of the search.")] = 60,
    against: Annotated[str, typer.Option("--against", metavar="NAME", help="The policy to compare with.")] = "hgm",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep trials, tables and figures there.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=0, metavar="N", help="Processes; 0: one a core.")] = 0,
    curves: Annotated[bool, typer.Option("--curves/--no-curves", help="Look at the way of each run too.")] = True,
    figures: Annotated[bool, typer.Option("--figures", help="Draw them; needs matplotlib and --out.")] = False,
    afresh: Annotated[bool, typer.Option("--afresh", help="Run those trials anew that other code has left.")] = False,
    list: Annotated[bool, typer.Option("--list", help="Print the policies and the families, and end.")] = False,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", metavar="DIR", help="Replay that run's own outcomes, in place of families."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare policies in worlds with known truth: utility, cost, honesty."""
    from dgm.cli.simulating import Wanted, show_list, simulate

    if list:
        return show_list(json)
    wanted = Wanted(policies, families, seeds, budget, k, slots, tasks, against)
    if archive is not None:
        from dgm.cli.reordering import show_reordered

        return show_reordered(archive, wanted, out, figures, json)
    simulate(wanted, out, jobs, curves, figures, afresh, json)


@app.command(
    epilog="""\b
Examples:
  dgm plan                                       what the configured budget buys
  dgm plan --usd 200 --usd-per-evaluation 0.15 --usd-per-expansion 0.60 --slots 8
  dgm plan --archive archive/first --usd 500     with the prices that a run has measured"""
)
@guarded
def plan(
    config: ConfigArgument = None,
    archive: Annotated[
        Path | None, typer.Option("--archive", metavar="DIR", help="A run whose prices, and world, to plan with.")
    ] = None,
    set: SetOption = None,
    usd: Annotated[float | None, typer.Option("--usd", metavar="USD", help="The budget in dollars.")] = None,
    evaluations: Annotated[
        int | None,
        typer.Option("--evaluations", min=1, metavar="B", help="Or in evaluations; run.evaluations."),
    ] = None,
    usd_per_evaluation: Annotated[
        float | None, typer.Option("--usd-per-evaluation", metavar="USD", help="Default: measured, or a guess.")
    ] = None,
    usd_per_expansion: Annotated[
        float | None, typer.Option("--usd-per-expansion", metavar="USD", help="Default: measured, or a guess.")
    ] = None,
    seconds_per_evaluation: Annotated[
        float | None, typer.Option("--seconds-per-evaluation", metavar="S", help="Default: measured.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option("--slots", min=1, metavar="W", help="Jobs at once. Default: run.slots.")
    ] = None,
    tasks: Annotated[int | None, typer.Option("--tasks", min=1, metavar="N", help="Tasks of the search; 60.")] = None,
    policies: Annotated[
        str,
        typer.Option("--policies", metavar="NAMES", help="Default: some, and the configured one."),
    ] = "",
    families: Annotated[
        str, typer.Option("--families", metavar="NAMES", help="Worlds to simulate, as for simulate.")
    ] = "hgm,rugged,drift,jumps,scarce,alien",
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", help="About how long to simulate.")] = 30.0,
    json: JsonOption = False,
) -> None:
    """What a budget buys, and which policy to spend it with."""
    from dgm.cli.outlook import Asked, show_outlook

    asked = Asked(
        usd=usd,
        evaluations=evaluations,
        usd_per_evaluation=usd_per_evaluation,
        usd_per_expansion=usd_per_expansion,
        seconds_per_evaluation=seconds_per_evaluation,
        slots=slots,
        tasks=tasks,
        policies=policies,
        families=families,
        seconds=seconds,
    )
    show_outlook(config, archive, set or [], asked, json)
