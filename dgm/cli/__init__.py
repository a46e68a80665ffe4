"""The command line. `main` is what the command `dgm` calls.

Invariant: data goes to standard output, everything else to standard error.
"""


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    import sys
    from io import TextIOWrapper

    try:
        from dgm.cli.commands import app

        for stream in (sys.stdout, sys.stderr):
            # Text of agents may hold anything; a terminal that cannot say a character gets its escape.
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        app(prog_name="dgm")
    except KeyboardInterrupt:
        sys.exit(130)
