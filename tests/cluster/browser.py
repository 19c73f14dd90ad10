"""A real browser that tests drive by keyboard: headless Chromium with its own driver; nothing is downloaded."""

import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.recording import PROJECT

ARTEFACTS = PROJECT / ".slipway" / "artefacts"
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Browser:
    """One window with one page."""

    driver: Any

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return str(self.driver.find_element(By.CSS_SELECTOR, selector).text)

    def count(self, selector: str) -> int:
        """Count the elements that match a selector."""
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def choose(self, field: str, files: Sequence[Path]) -> None:
        """Choose files in a file field, as the system's dialog does."""
        self.driver.find_element(By.CSS_SELECTOR, field).send_keys("\n".join(str(file) for file in files))

    def press(self, selector: str, key: str = Keys.SPACE) -> None:
        """Press Tab until an element has the focus, as people without a mouse do, then press a key."""
        for _ in range(20):
            if self.driver.switch_to.active_element == self.driver.find_element(By.CSS_SELECTOR, selector):
                ActionChains(self.driver).send_keys(key).perform()
                return
            ActionChains(self.driver).send_keys(Keys.TAB).perform()
        raise AssertionError(f"{selector} cannot be reached with the Tab key")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition of the page holds."""

        def held(_: object) -> bool:
            return condition()

        WebDriverWait(self.driver, PATIENCE_SECONDS).until(cast("Any", held), what)

    def script(self, source: str) -> Any:
        """Run JavaScript in the page, and return its result."""
        return self.driver.execute_script(source)

    def screenshot(self, name: str) -> Path:
        """Save a picture of the whole page in the folder of artefacts."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        height = int(self.script("return document.documentElement.scrollHeight"))
        self.driver.set_window_size(1100, height + 150)
        path = ARTEFACTS / name
        assert self.driver.save_screenshot(str(path))
        return path

    def complaints(self) -> list[str]:
        """Return the errors and warnings of the browser's console, such as a missing file or a blocked script."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def browser(url: str, host: str) -> Generator[Browser]:
    """Open a page of the proxy; only this browser resolves the host's name."""
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.fail("Chromium is not installed: run python -m local browser")
    options = Options()
    options.binary_location = str(programs[0])
    proxy = urlsplit(url)
    for argument in (
        "--headless=new",
        "--no-sandbox",  # as root, in a container
        "--disable-dev-shm-usage",
        "--no-proxy-server",
        f"--host-resolver-rules=MAP {host} {proxy.hostname}, MAP * ~NOTFOUND, EXCLUDE {proxy.hostname}",
        "--window-size=1100,1200",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver: Any = webdriver.Chrome(options=options, service=Service(str(programs[1])))
    try:
        driver.get(f"http://{host}:{proxy.port}/")
        yield Browser(driver)
    finally:
        driver.quit()
