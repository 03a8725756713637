"""A browser tab, which tests drive through the DevTools protocol."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import websocket
from numpy.typing import NDArray
from PIL import Image

from tests.support.waiting import wait_until

KEYS = {"Tab": ("Tab", 9, ""), "Enter": ("Enter", 13, "\r"), " ": ("Space", 32, " ")}
PATIENCE = 20.0


class Page:
    """A tab that records its network requests and console errors."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=PATIENCE, suppress_origin=True)
        self._last = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a protocol command and return its result."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            self._notice(message)
            if message.get("id") == self._last:
                assert "error" not in message, message["error"]
                return dict(message["result"])

    def _notice(self, message: dict[str, Any]) -> None:
        given = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(given["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(given["exceptionDetails"]))
            case "Log.entryAdded" if given["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{given['entry']['source']}: {given['entry']['text']}")
            case "Runtime.consoleAPICalled" if given["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(given["args"]))

    def evaluate(self, script: str) -> Any:
        """Evaluate an expression or a promise, and return its value."""
        answer = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        wait_until(lambda: self.evaluate(condition), condition, timeout=PATIENCE, interval=0.05)

    def open(self, url: str) -> None:
        """Open a URL and wait until the page and its card are loaded."""
        self.command("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && document.querySelector('#card dl, #card .error') !== null")

    def look(self, *, width: int = 1100, height: int = 800, scheme: str = "light") -> None:
        """Set the window size and the colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str) -> None:
        """Press and release a key."""
        code, number, text = KEYS[key]
        names = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **names)
        self.command("Input.dispatchKeyEvent", type="keyUp", **names)

    def fill(self, selector: str, text: str) -> None:
        """Replace the content of a field by typing."""
        self.evaluate(
            f"(field => {{ field.focus(); field.select(); }})(document.querySelector({json.dumps(selector)}))"
        )
        self.command("Input.insertText", text=text)

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        place = f"document.querySelector({json.dumps(selector)})"
        return str(self.evaluate(f"{place}?.checkVisibility() ? {place}.innerText : ''"))

    def screenshot(self, path: Path) -> NDArray[np.uint8]:
        """Save the whole page as a PNG and return its pixels [rows, columns, red green blue]."""
        image = base64.b64decode(self.command("Page.captureScreenshot", captureBeyondViewport=True)["data"])
        path.write_bytes(image)
        return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))

    def close(self) -> None:
        """Close the connection to the tab."""
        self._socket.close()
