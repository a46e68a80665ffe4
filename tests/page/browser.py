"""Chromium without a window, spoken to over two pipes: no driver, no library, no port.

`chromium --remote-debugging-pipe` reads commands of the DevTools protocol from file 3 and writes answers and events to
file 4, each a JSON text with a NUL behind it.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60.0


@cache
def found() -> str | None:
    """Where the browser is, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page. `events`: all that the browser has told of it, in order."""

    def __init__(self, home: Path, width: int = 1400, height: int = 900, dark: bool = False) -> None:
        """`home`: an empty folder for its profile."""
        path = found()
        assert path is not None
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        words = [
            path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
            "--remote-debugging-pipe", f"--user-data-dir={home}", f"--window-size={width},{height}", "about:blank",
        ]  # fmt: skip
        # The shell gives the pipes the numbers that the browser looks for, which are ours to be in use.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", *words],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)},
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._rest = b""
        self._last = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.scheme(dark)

    def scheme(self, dark: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Raises `AssertionError` where the browser refuses."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (told := self._read()).get("id") != self._last:
            self.events.append(told)
        assert "error" not in told, f"{method}: {told['error']}"
        result: dict[str, Any] = told["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._in, 1 << 20)
            assert more, "the browser has gone"
            self._rest += more
        text, self._rest = self._rest.split(b"\0", 1)
        told: dict[str, Any] = json.loads(text)
        return told

    def open(self, file: Path, fragment: str = "") -> None:
        """Load a file, and wait until it is there."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=file.resolve().as_uri() + fragment)
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def go(self, fragment: str) -> None:
        self.run(f"location.hash = {json.dumps(fragment)}")
        self.run("new Promise(then => requestAnimationFrame(() => setTimeout(then, 50)))")

    def run(self, script: str) -> Any:
        """The value of `script`, a promise of which is waited for. Raises `AssertionError` where it throws."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str) -> None:
        self.wait(lambda: bool(self.run(script)), script)

    def wait(self, true: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + SECONDS
        while not true():
            assert time.monotonic() < end, f"it never came true: {what}"
            time.sleep(0.02)

    def told(self, method: str) -> list[dict[str, Any]]:
        """The events of a kind so far."""
        self.run("0")
        return [event["params"] for event in self.events if event.get("method") == method]

    def shot(self, file: Path, whole: bool = False) -> None:
        """A picture of what is seen, or of the whole page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(SECONDS)
        os.close(self._in)
        os.close(self._out)
