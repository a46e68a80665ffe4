"""The command that puts a search beside its controls."""

from dgm.cli.app import ArchiveOption, JsonOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm run --set 'run.controls=["resample", "best-of-n"]'
  dgm run ... --set 'run.controls=["resample", "best-of-n"]' --amend run.controls     of a run that has ended
  dgm controls
  dgm controls --json
  dgm validate best best-of-n:best     both on held-out tasks, which neither was chosen by

A control is a run of its own below the run's folder: `dgm tree --archive RUN/controls/best-of-n`."""
)
@guarded
def controls(archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """The search beside what the same budget gives without one."""
    from dgm.cli.controlling import show_controls

    show_controls(archive, json)
