"""Agents that are shell scripts, for tests: alive by the contract, and otherwise as good or bad as their script."""

from dgm.files import File, Files

ASK = """
$DGM_PYTHON - <<'END'
import http.client, json, os, socket
class Door(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["DGM_SOCKET"])
door = Door("gateway")
body = json.dumps({"model": os.environ["DGM_MODEL"], "messages": [{"role": "user", "content": "hello"}]})
door.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
print(door.getresponse().read().decode())
END
"""
"""A shell agent's way to call the model once, so that it is alive by the contract."""

SMOKED = 'grep -q "say that you are done" "$DGM_STATEMENT" && exit 0'
"""Ends a script in the smoke test, so that what follows happens on tasks only."""


def shell(script: str) -> Files:
    """An agent that calls the model and runs `script`."""
    return {"start": File(f"{ASK}\n{script}\n".encode(), executable=True)}
