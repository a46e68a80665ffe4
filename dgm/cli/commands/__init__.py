"""The commands with their options and their help; each does its work in a module of its own, imported when it is run.

Invariant: importing this package is cheap, so `dgm --help` is at once there.
"""

from dgm.cli.app import app

# Importing a module adds its commands to `app`; they stand in the help in this order.
# isort: off
from dgm.cli.commands import running
from dgm.cli.commands import looking
from dgm.cli.commands import explaining
from dgm.cli.commands import tracing
from dgm.cli.commands import reporting
from dgm.cli.commands import controlling
from dgm.cli.commands import validating
from dgm.cli.commands import transferring
from dgm.cli.commands import carrying
from dgm.cli.commands import data
from dgm.cli.commands import machine
from dgm.cli.commands import simulated

__all__ = [
    "app",
    "carrying",
    "controlling",
    "data",
    "explaining",
    "looking",
    "machine",
    "reporting",
    "running",
    "simulated",
    "tracing",
    "transferring",
    "validating",
]

for one in app.registered_commands:  # or else the list of commands is cut at the width of the terminal
    one.short_help = one.callback.__doc__ if one.callback else None
