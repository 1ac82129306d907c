"""A real browser for tests of pages: headless Chromium without a network, with its log and its requests."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

PROGRAMS = ("chromium", "chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # root has no sandbox
    "--disable-dev-shm-usage",  # a container's shared memory is small
    "--use-gl=angle",  # scenes in space are drawn without a graphics card
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    # No network from the start: no host name resolves, and every other request goes to a closed port.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
    "--disable-background-networking",
    "--no-first-run",
)


def missing() -> str:
    """Say why no browser can be started here; empty where one can."""
    lacking = [program for program in PROGRAMS if not shutil.which(program)]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


class Browser:
    """Chromium with one page open; use it in a ``with`` statement."""

    def __init__(self, profile: Path) -> None:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for option in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options, Service(shutil.which("chromedriver"), env=os.environ | {"HOME": str(profile)}))
        self.driver.set_script_timeout(180)
        self.offline()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def offline(self) -> None:
        """Tell the page that there is no network."""
        self.driver.set_network_conditions(offline=True, latency=0, throughput=0)

    def open(self, path: Path, width: int = 1280, height: int = 800) -> None:
        """Open a file in a window of this size (pixels), with an empty log."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        self.driver.get("about:blank")
        self.messages()
        self.requests()
        self.driver.get(path.absolute().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a JavaScript function and return its value, that of a promise too."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str | Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait until an expression of JavaScript, or a function, is true, and return its value."""
        value = condition if callable(condition) else lambda: self.run(f"return {condition}")
        return WebDriverWait(self.driver, seconds, 0.1).until(lambda _: value(), f"still not: {what}")

    def messages(self) -> list[str]:
        """Return what the page has logged since the last call, as "level text"."""
        return [f"{entry['level']} {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return every address requested since the last call, that of the page included."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Save a picture (PNG) of the window, or of the whole page."""
        if whole:
            height = self.run("return document.documentElement.scrollHeight")
            width = self.run("return window.innerWidth")
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.save_screenshot(str(path))
