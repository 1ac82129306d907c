"""A browser for tests of pages: headless Chromium without a network, with access to its log and its requests."""

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
    "--no-sandbox",  # Chromium has no sandbox for root
    "--disable-dev-shm-usage",  # the shared memory of a container is small
    "--use-gl=angle",  # WebGL without a graphics card
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    # No network: host names do not resolve, and all other requests go to a closed port.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
    "--disable-background-networking",
    "--no-first-run",
)


def missing() -> str:
    """Return why no browser can be started on this machine; empty if one can."""
    lacking = [program for program in PROGRAMS if not shutil.which(program)]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


class Browser:
    """Chromium with one open page, for use in a ``with`` statement.

    Args:
        profile: folder of the browser's profile.
    """

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
        """Let the browser report to pages that there is no network."""
        self.driver.set_network_conditions(offline=True, latency=0, throughput=0)

    def open(self, path: Path, width: int = 1280, height: int = 800) -> None:
        """Open a file in a window of ``width`` by ``height`` pixels, and clear the log and the requests."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        self.driver.get("about:blank")
        self.messages()
        self.requests()
        self.driver.get(path.absolute().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a JavaScript function and return its value; the value of a promise is awaited."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str | Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait until a JavaScript expression or a Python function is true, and return its value."""
        value = condition if callable(condition) else lambda: self.run(f"return {condition}")
        return WebDriverWait(self.driver, seconds, 0.1).until(lambda _: value(), f"still not: {what}")

    def messages(self) -> list[str]:
        """Return the log messages of the page since the last call, as "level text"."""
        return [f"{entry['level']} {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return every address that was requested since the last call, including that of the page."""
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
