"""A minimal coding agent: one conversation with one model that has two tools.

`start` runs this file. The environment says what to do (DGM_STATEMENT), where (DGM_WORK) and whom to ask (DGM_SOCKET).
Nothing here knows whether the folder to change is a task or a copy of this very source. Standard library only.
"""

import os
import sys
import time

import model
import tools

STEPS = 40  # replies of the model, at most
HISTORY = 80000  # characters of conversation that are sent, at most
STATEMENT = 40000  # characters of the statement that are sent, at most
MISTAKES = 5  # replies in a row of which no tool call worked

SYSTEM = """You are a coding agent. You change the files of the current folder until the request is fulfilled.
Use the tools to look at files, to change them and to run commands. Do not ask questions: nobody answers.
If you cannot call tools, write one fenced block per call:
```json
{"name": "bash", "arguments": {"command": "ls"}}
```
A whole file can be written as a line with nothing but its path and a fenced block with its content below.
When everything is done, reply without any tool call."""


def listing(work):
    """The paths of all files below `work`, one a line."""
    found = []
    for here, folders, names in os.walk(work):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        found += [os.path.relpath(os.path.join(here, name), work) for name in sorted(names)]
    return "\n".join(found[:200]).encode("utf-8", "replace").decode("utf-8")


def first_prompt(statement, work):
    """What the model is told first: the request, and which files there are."""
    parts = [tools.cut(statement, STATEMENT)]
    parts.append("The files in the current folder:\n" + listing(work))
    return "\n\n".join(parts)


def trimmed(messages):
    """`messages` without the oldest exchanges, where all would be too long; the first two always stay."""
    head, rest = messages[:2], messages[2:]
    while sum(len(str(message)) for message in rest) > HISTORY:
        replies = [index for index, message in enumerate(rest) if message["role"] == "assistant"]
        if len(replies) < 2:
            break
        rest = rest[replies[1] :]
    return head + rest


def answers(calls, toolbox):
    """Carry out `calls`; returns the messages that report the results, and whether any call worked."""
    messages, worked = [], False
    for call in calls:
        fine, text = toolbox.run(call["name"], call["arguments"])
        worked = worked or fine
        print(f"--- {call['name']}: {text}", flush=True)
        if call["id"] is None:
            messages.append({"role": "user", "content": f"Result of {call['name']}:\n{text}"})
        else:
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    return messages, worked


def converse(statement, work, deadline):
    """Let the model work on `work` until it is done, or out of steps, time or money."""
    toolbox = tools.Toolbox(work, deadline)
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": first_prompt(statement, work)}]
    mistakes = 0
    for _step in range(STEPS):
        if time.monotonic() > deadline or mistakes >= MISTAKES:
            return
        messages = trimmed(messages)
        reply = model.ask(messages, tools.OFFERED, deadline)
        messages.append(reply)
        print(f"=== {reply['content'] or '(calls tools)'}", flush=True)
        calls = model.calls_in(reply)
        if not calls:
            return
        results, worked = answers(calls, toolbox)
        messages += results
        mistakes = 0 if worked else mistakes + 1


def main():
    sys.stdout.reconfigure(errors="replace")
    work = os.path.abspath(os.environ["DGM_WORK"])
    deadline = time.monotonic() + float(os.environ.get("DGM_SECONDS", "600")) - 5
    with open(os.environ["DGM_STATEMENT"], encoding="utf-8", errors="replace") as file:
        statement = file.read()
    try:
        converse(statement, work, deadline)
    except model.Refused as refusal:  # money or limits are used up: what is done so far counts
        print(f"finished early: {refusal}", flush=True)
    except model.Unreachable as error:
        sys.exit(f"the model cannot be reached: {error}")


if __name__ == "__main__":
    main()
