"""The commands with their options and their help; each does its work in a module of its own, imported when it is run.

Invariant: importing this module is cheap, so `dgm --help` is at once there.
"""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.failing import guarded

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
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N tasks.")] = None,
    times: Annotated[int, typer.Option("--times", min=1, help="Grade each patch so often.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Find out anew what is known already.")] = False,
    json: JsonOption = False,
) -> None:
    """Get the images of a benchmark, and find out which of its tasks can be trusted here."""
    from dgm.cli.preparing import prepare_benchmark

    prepare_benchmark(benchmark, config, set or [], tasks or [], limit, times, again, json)


@app.command(epilog="\b\nExamples:\n  dgm status\n  dgm status --archive archive/first --watch\n  dgm status --json")
@guarded
def status(
    archive: ArchiveOption = None,
    json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show what happens.")] = False,
) -> None:
    """A run at a glance, also while it goes on."""
    if watch:
        from dgm.cli.driving import look_on

        look_on(archive)
    else:
        from dgm.cli.looking import show_status

        show_status(archive, json)


@app.command(epilog="\b\nExamples:\n  dgm tree\n  dgm tree --top 20\n  dgm tree --depth 2 --json")
@guarded
def tree(
    archive: ArchiveOption = None,
    depth: Annotated[int | None, typer.Option("--depth", min=0, help="No deeper than this; the seed is 0.")] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="The best N agents and their ancestors.")] = None,
    json: JsonOption = False,
) -> None:
    """The lineage, with own and clade tallies, costs and changes."""
    from dgm.cli.looking import show_tree

    show_tree(archive, depth, top, json)


@app.command(epilog="\b\nExamples:\n  dgm best\n  dgm best --json")
@guarded
def best(archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """The best agent, and whether it is better than the seed."""
    from dgm.cli.looking import show_best

    show_best(archive, json)


@app.command(epilog="\b\nExamples:\n  dgm show best\n  dgm show 3f2a --json")
@guarded
def show(agent: AgentArgument, archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """All about one agent: lineage, results, cost, files."""
    from dgm.cli.agents import show_agent

    show_agent(agent, archive, json)


@app.command(epilog="\b\nExamples:\n  dgm diff best\n  dgm diff seed best")
@guarded
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A prefix of a hash, `seed`, or `best`.")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="Default: A's parent, and then from it to A.")] = None,
    archive: ArchiveOption = None,
    json: JsonOption = False,
) -> None:
    """The difference between two agents' sources, from A to B; with A alone, from its parent to A."""
    from dgm.cli.agents import show_diff

    show_diff(a, b, archive, json)


@app.command(
    epilog="""\b
Examples:
  dgm log best
  dgm log best --transcript 12
  dgm log best --grade 12         the verdict of job 12: tests, image, patch
  dgm log 3f2a --json"""
)
@guarded
def log(
    agent: AgentArgument,
    archive: ArchiveOption = None,
    json: JsonOption = False,
    transcript: Annotated[
        int | None, typer.Option("--transcript", metavar="JOB", help="Print what was said in one of its jobs.")
    ] = None,
    grade: Annotated[
        int | None, typer.Option("--grade", metavar="JOB", help="Print the verdict of one, and what it rests on.")
    ] = None,
) -> None:
    """An agent's attempts: the job that made it, its evaluations, the expansions of it."""
    from dgm.cli.agents import show_log, show_transcript

    if transcript is not None:
        show_transcript(agent, transcript, archive, json)
    elif grade is not None:
        from dgm.cli.grading import show_grade

        show_grade(agent, grade, archive, json)
    else:
        show_log(agent, archive, json)


@app.command(epilog="\b\nExample:\n  dgm export best ./my-agent")
@guarded
def export(
    agent: AgentArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    archive: ArchiveOption = None,
) -> None:
    """Write an agent's source to a folder."""
    from dgm.cli.agents import export_agent

    export_agent(agent, folder, archive)


@app.command(epilog="\b\nExamples:\n  dgm check\n  dgm check --repair --archive archive/first")
@guarded
def check(
    archive: ArchiveOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; keeps a copy of the log.")] = False,
    json: JsonOption = False,
) -> None:
    """Whether log, git and artifacts agree."""
    from dgm.cli.checking import check_archive

    check_archive(archive, repair, json)


@app.command(epilog="\b\nExamples:\n  dgm doctor\n  dgm doctor dgm.toml --call\n  dgm doctor dgm.toml --attack")
@guarded
def doctor(
    config: ConfigArgument = None,
    set: SetOption = None,
    archive: ArchiveOption = None,
    call: Annotated[bool, typer.Option("--call", help="Ask each model one tiny question; it may cost.")] = False,
    attack: Annotated[
        bool, typer.Option("--attack", help="Try to cheat, leak, escape and flood, as hostile agents would; free.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Whether this machine is fit for a run, and what to do if not."""
    if attack:
        from dgm.cli.attacking import attack_machine

        return attack_machine(config, set or [], json)
    from dgm.cli.checking import examine_machine

    examine_machine(config, set or [], archive, call, json)


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
        from dgm.cli.replaying import show_replays

        return show_replays(archive, wanted, out, figures, json)
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


for one in app.registered_commands:  # or else the list of commands is cut at the width of the terminal
    one.short_help = one.callback.__doc__ if one.callback else None
