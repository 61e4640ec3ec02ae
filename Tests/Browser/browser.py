"""A headless Chromium as an operator has it."""

import pathlib
import tempfile

import axe_playwright_python
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def is_being_replaced(error):
    """Whether it says that a part of the page was not there, or no longer; chromedriver has two errors for the latter."""
    return isinstance(error, (NoSuchElementException, StaleElementReferenceException)) or (
        isinstance(error, WebDriverException) and "does not belong to the document" in str(error.msg)
    )


class Browser:
    """Opens pages of one server; `runs_scripts` is false for who has switched JavaScript off."""

    def __init__(self, url, runs_scripts=True, width=1280, height=900):
        self.url = url
        self.profile = tempfile.TemporaryDirectory()
        options = Options()
        for flag in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            "--proxy-server=direct://", f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}",
        ):
            options.add_argument(flag)
        options.binary_location = "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not runs_scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(30)
        self.size(width, height)

    def size(self, width, height=900):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def scheme(self, name):
        """Has the browser prefer `light` or `dark`."""
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
        )

    def open(self, path):
        self.driver.get(self.url + path)

    def text(self, selector="body"):
        """What an element shows; found once more where the page replaced it between finding and reading."""
        for _ in range(20):
            element = self.find(selector)
            try:
                return element.text
            except WebDriverException as error:
                if not is_being_replaced(error):
                    raise
        raise AssertionError(f"{selector} is replaced all the time")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def link(self, text):
        return self.driver.find_element(By.PARTIAL_LINK_TEXT, text)

    def button(self, text):
        return self.driver.find_element(By.XPATH, f"//button[contains(normalize-space(.), '{text}')]")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def complaints(self):
        """What the console tells as an error since the last time: scripts that fail, what the security policy forbids."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def violations(self):
        """What axe-core finds against the page as it stands, by WCAG 2.2 A and AA and its best practices."""
        self.script(AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then("
            "result => done(result.violations), error => done([{id: String(error), nodes: []}]))"
        )
        return [
            f"{one['id']}: {one.get('help')}: " + "; ".join(
                f"{' '.join(map(str, node['target']))} ({node.get('failureSummary', '').splitlines()[-1].strip()})"
                for node in one["nodes"][:4]
            ) for one in found
        ]

    def screenshot(self, path):
        """The whole page, however long."""
        height = self.script("return document.documentElement.scrollHeight")
        width = self.script("return document.documentElement.clientWidth")
        self.size(width, min(height, 6000))
        self.driver.save_screenshot(str(path))
        self.size(width)

    def end(self):
        self.driver.quit()
        self.profile.cleanup()
