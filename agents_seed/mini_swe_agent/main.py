"""mini-swe-agent under the agent contract: its own loop, prompts and shell; the model is reached through the socket.

The package has to be in the image; README.md says which version, and how. Nothing of it is changed, but that requests
go to the contract's socket instead of through litellm, and that tool calls in text form are understood too.
"""

import os
import sys
import tempfile
import time

import door

SPARE = 10  # seconds before the time limit at which no further step begins
COMMAND = 60  # seconds that a command may take
CONFIG = "mini.yaml"

os.environ["MSWEA_SILENT_STARTUP"] = "1"
os.environ["MSWEA_GLOBAL_CONFIG_DIR"] = tempfile.mkdtemp()  # else it makes a folder in the home

try:
    import yaml
    from minisweagent import package_dir
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.environments.local import LocalEnvironment
    from minisweagent.exceptions import LimitsExceeded
    from minisweagent.models.utils import actions_toolcall as wire
except ImportError as missing:
    sys.exit(f"mini-swe-agent cannot be imported by {sys.executable} ({missing}): see README.md on the image")


class SocketModel:
    """The package's protocol of a model, served by the contract's socket."""

    def __init__(self, templates, deadline):
        self.config = templates
        self.deadline = deadline

    def query(self, messages, **_more):
        try:
            message, calls, reason = door.ask([sent(one) for one in messages], [wire.BASH_TOOL], self.deadline)
        except door.Refused as refused:  # what is done so far counts
            extra = {"exit_status": "LimitsExceeded", "submission": ""}
            raise LimitsExceeded({"role": "exit", "content": str(refused), "extra": extra}) from None
        print(f"=== {message['content'] or '(calls tools)'}", flush=True)
        actions = wire.parse_toolcall_actions(
            calls,
            format_error_template=self.config["format_error_template"],
            template_kwargs={"finish_reason": reason},
        )
        for action in actions:
            if action["tool_call_id"] is None:
                del action["tool_call_id"]  # then the result is told as a user's message
            action["command"] = str(action["command"])
        return {**message, "extra": {"actions": actions, "cost": 0.0, "timestamp": time.time()}}

    def format_message(self, **message):
        return message

    def format_observation_messages(self, message, outputs, template_vars=None):
        made = wire.format_toolcall_observation_messages(
            actions=message["extra"]["actions"],
            outputs=outputs,
            observation_template=self.config["observation_template"],
            template_vars=template_vars,
        )
        for one in made:
            print(f"--- {one['content']}", flush=True)
        return made

    def get_template_vars(self, **_more):
        return dict(self.config)

    def serialize(self):
        return {}


def sent(message):
    """`message` as the wire knows it."""
    return {key: value for key, value in message.items() if key != "extra"}


def main():
    sys.stdout.reconfigure(errors="replace")
    seconds = float(os.environ.get("DGM_SECONDS", "600"))
    with open(os.environ["DGM_STATEMENT"], encoding="utf-8", errors="replace") as file:
        statement = file.read()
    config = yaml.safe_load((package_dir / "config" / CONFIG).read_text(encoding="utf-8"))
    limits = {"cost_limit": 0.0, "wall_time_limit_seconds": max(1, int(seconds) - SPARE)}
    agent = DefaultAgent(
        SocketModel(config["model"], time.monotonic() + seconds - SPARE / 2),
        LocalEnvironment(cwd=os.environ["DGM_WORK"], timeout=COMMAND, **config.get("environment", {})),
        **{**config["agent"], **limits},
    )
    try:
        ended = agent.run(statement)
    except door.Unreachable as error:
        sys.exit(f"the model cannot be reached: {error}")
    print(f"finished: {ended.get('exit_status')}", flush=True)


if __name__ == "__main__":
    main()
