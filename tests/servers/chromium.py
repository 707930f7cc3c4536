"""A real browser without a screen, where Chromium and its driver are installed; nothing is downloaded for it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.servers.base import Unavailable

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


@contextmanager
def browser(
    width: int = 1366, height: int = 768, language: str = "en-GB", zone: str = "Asia/Taipei"
) -> Iterator[Chrome]:
    """A browser of this size, language and time zone. Raises Unavailable where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        raise Unavailable("no chromium and chromedriver (Debian's packages chromium and chromium-driver)")
    with tempfile.TemporaryDirectory(prefix="millstream-browser-") as profile:
        options = ChromeOptions()
        options.binary_location = found
        for argument in (*_QUIET, f"--user-data-dir={Path(profile)}", f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        opened = Chrome(options, Service(driver))
        try:
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            opened.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
            yield opened
        finally:
            opened.quit()
