"""Agents that are shell scripts, for tests: alive by the contract, and otherwise as good or bad as their script."""

from dgm.files import File, Files

ASK = r"""
$DGM_PYTHON - <<'END'
import json, os, socket
body = json.dumps({"model": os.environ["DGM_MODEL"], "messages": [{"role": "user", "content": "hello"}]})
head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
with socket.socket(socket.AF_UNIX) as door, door.makefile("r", encoding="utf-8") as reply:
    door.connect(os.environ["DGM_SOCKET"])
    door.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
    print(reply.read().partition("\n\n")[2])
END
"""
"""A shell agent's way to call the model once, so that it is alive by the contract. Without `http.client`, of which
nothing is needed here and which takes longer to import than all the rest takes."""

SMOKED = 'grep -q "say that you are done" "$DGM_STATEMENT" && exit 0'
"""Ends a script in the smoke test, so that what follows happens on tasks only."""


def shell(script: str) -> Files:
    """An agent that calls the model and runs `script`."""
    return {"start": File(f"{ASK}\n{script}\n".encode(), executable=True)}
