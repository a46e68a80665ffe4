"""The tools that the model may call: `bash` and `edit`. Whatever goes wrong is told to the model, never raised."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

OUTPUT = 4000  # characters of a tool's result that the model gets to see
FLOOD = 10000000  # bytes of output after which a command is killed
COMMAND = 60  # seconds that a command may take

# Each command runs in a fresh shell. Exported variables and the folder are handed on through a file, saved at exit.
WRAP = """trap 'export -p > "$0.new" && mv "$0.new" "$0"' EXIT; . "$0" 2>/dev/null; cd "$PWD"; . "$1" """


def tool(name, description, required, optional=()):
    """A function of string arguments, as the OpenAI wire format offers it."""
    texts = {argument: {"type": "string"} for argument in tuple(required) + tuple(optional)}
    parameters = {"type": "object", "properties": texts, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


BASH = (
    "Run a shell command in the folder to change. The folder and exported variables are kept from call to call. "
    "Commands in the background go on. There is no input, and a command that takes too long is killed."
)
EDIT = (
    "View or change a file. command: `view` (shows it), `create` (a new file with `content`), `write` (a new or old "
    "file gets `content` as a whole), `replace` (`old`, which must occur exactly once, becomes `new`)."
)
OFFERED = [
    tool("bash", BASH, ["command"]),
    tool("edit", EDIT, ["command", "path"], ["content", "old", "new"]),
]


class Mistake(Exception):
    """A call that cannot be carried out; the text tells the model why."""


def cut(text, limit=OUTPUT):
    """`text` without its middle, where it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    note = f"\n[... {len(text) - limit} characters left out; ask for less at once ...]\n"
    return text[: limit // 2] + note + text[-(limit // 2) :]


class Toolbox:
    """The tools at work on one folder."""

    def __init__(self, work, deadline):
        self.work = work
        self.deadline = deadline
        self.scratch = tempfile.TemporaryDirectory(prefix="agent-")
        self.state = os.path.join(self.scratch.name, "state")
        self.shell = shutil.which("bash") or "/bin/sh"
        self.count = 0
        open(self.state, "w").close()

    def run(self, name, arguments):
        """Whether the call worked, and the text for the model."""
        known = {offer["function"]["name"]: offer["function"]["parameters"] for offer in OFFERED}
        try:
            if name not in known:
                raise Mistake(f"there is no tool {name!r}, only {' and '.join(known)}")
            if not isinstance(arguments, dict):
                raise Mistake("the arguments are not a JSON object")
            for argument in known[name]["required"]:
                if argument not in arguments:
                    raise Mistake(f"{name} needs the argument {argument!r}")
            for argument, value in arguments.items():
                if argument not in known[name]["properties"] or not isinstance(value, str):
                    raise Mistake(f"{name} takes no argument {argument!r} of this type")
            return True, cut(getattr(self, name)(**arguments))
        except Mistake as mistake:
            return False, f"error: {mistake}"
        except (OSError, UnicodeError, ValueError) as error:
            return False, cut(f"error: {error}")

    def bash(self, command):
        self.count += 1
        script = os.path.join(self.scratch.name, f"command-{self.count}")
        output = os.path.join(self.scratch.name, f"output-{self.count}")
        with open(script, "wb") as file:
            file.write(command.encode("utf-8", "replace") + b"\n")
        # A file, not a pipe: a job in the background may keep it open without keeping us waiting.
        with open(output, "wb") as sink:
            process = subprocess.Popen(
                [self.shell, "-c", WRAP, self.state, script],
                cwd=self.work,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        note = self.watch(process, output)
        with open(output, "rb") as file:
            text = file.read(2 * FLOOD).decode("utf-8", "replace")
        os.unlink(output)
        stripped = text.rstrip("\n")
        return f"{stripped}\nexit code: {process.returncode}{note}"

    def watch(self, process, output):
        """Wait for `process`; kill it with all its children if it takes too long or writes too much."""
        end = min(time.monotonic() + COMMAND, self.deadline)
        while True:
            try:
                process.wait(timeout=0.1)
                return ""
            except subprocess.TimeoutExpired:
                flood = os.path.getsize(output) > FLOOD
                if not flood and time.monotonic() < end:
                    continue
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return " (killed: too much output)" if flood else " (killed: it took too long)"

    def edit(self, command, path, content=None, old=None, new=None):
        target = os.path.join(self.work, path)
        if os.path.lexists(target) and not os.path.isfile(target):
            raise Mistake(f"{path} is not a regular file")
        if command == "view":
            return self.read(target)
        if command in ("create", "write"):
            if content is None:
                raise Mistake(f"{command} needs the argument 'content'")
            if command == "create" and os.path.lexists(target):
                raise Mistake(f"{path} exists already; use `write` or `replace`")
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            return self.write(target, content)
        if command == "replace":
            if not old or new is None:
                raise Mistake("replace needs the arguments 'old', which is not empty, and 'new'")
            text = self.read(target)
            if text.count(old) != 1:
                raise Mistake(f"`old` occurs {text.count(old)} times in {path}, not exactly once")
            return self.write(target, text.replace(old, new))
        raise Mistake(f"there is no command {command!r}, only view, create, write and replace")

    def read(self, target):
        with open(target, encoding="utf-8", newline="") as file:
            return file.read()

    def write(self, target, content):
        data = content.encode("utf-8")
        with open(target, "wb") as file:
            file.write(data)
        return f"wrote {os.path.relpath(target, self.work)}"
