"""What an operator does in a browser, done in one: Tests/Browser/run [TEST]"""

import unittest
import urllib.parse

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from browser import Browser, is_being_replaced
from stage import BIDI, HOSTILE, HOSTILE_PACKAGE, PendingStage, Stage, callback, pages


def until(browser, holds, seconds=15):
    """Waits until `holds` does; a part that is being replaced meanwhile counts as not yet."""
    def look(_):
        try:
            return holds()
        except WebDriverException as error:
            if not is_being_replaced(error):
                raise
            return False
    return WebDriverWait(browser.driver, seconds, poll_frequency=0.1).until(look)


class StageCase(unittest.TestCase):
    """One server and one browser for the tests of a class."""

    failing = 1
    runs_scripts = True

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage(cls.failing)
        cls.addClassCleanup(cls.stage.end)
        cls.browser = Browser(cls.stage.url, cls.runs_scripts)
        cls.addClassCleanup(cls.browser.end)

    def each_page(self):
        for name, path in pages(self.stage).items():
            with self.subTest(page=name):
                self.browser.open(path)
                yield name
                # A page that is not there is an answer of 404, which the console tells.
                complaints = [line for line in self.browser.complaints() if name != "not-found" or "404" not in line]
                self.assertEqual(complaints, [])

    def stand_still(self):
        """Marks the document, to see that it is not loaded again."""
        self.browser.script("window.mark = 1")

    def assertStoodStill(self):
        self.assertEqual(self.browser.script("return window.mark"), 1, "the page was loaded again")


class RetryTests(StageCase):
    failing = 3

    def test_a_failed_run_is_found_read_retried_and_seen_to_succeed_live(self):
        browser, stage = self.browser, self.stage
        browser.open("/")
        self.assertIn("failed", browser.text("#problems"))
        browser.find("#problems a").click()
        until(browser, lambda: "state=failed" in browser.driver.current_url and len(browser.all("#list tbody tr")) == 3)
        browser.find("#list tbody tr td a").click()
        until(browser, lambda: "500" in browser.text("#steps"))
        run = browser.driver.current_url
        self.assertIn("closed for <script>", browser.text("#steps"))
        self.assertIn("failed", browser.text("#facts"))
        stage.receiver.is_open = True
        while not stage.receiver.arrivals.empty():
            stage.receiver.arrivals.get()
        self.assertFalse(browser.find("form[action$='/retry'] button").is_displayed())
        [one for one in browser.all("#facts summary") if "Retry it" in one.text][0].click()
        self.assertRegex(browser.text("#facts"), "Step \\w+ is repeated")
        browser.find("form[action$='/retry'] button").click()
        until(browser, lambda: "is retried" in browser.text("[role=status]"))
        until(browser, lambda: browser.text("#live-state") == "Live.")
        # The step is in progress to the receiver, which has not answered yet.
        stage.receiver.arrivals.get(timeout=15)
        until(browser, lambda: "running" in browser.text("#facts"))
        self.stand_still()
        stage.receiver.let_through()
        until(browser, lambda: "succeeded" in browser.text("#facts"))
        self.assertStoodStill()
        self.assertTrue(browser.driver.current_url.startswith(run))
        self.assertEqual(browser.all("form[action$='/retry']"), [])
        until(browser, lambda: browser.text("#nav .badge").startswith("2"))
        browser.open("/runs?state=failed")
        self.assertEqual(len(browser.all("#list tbody tr")), 2)

    def test_a_retry_from_an_earlier_step_does_that_step_again(self):
        browser, stage = self.browser, self.stage
        run = stage.runs("failed")[-1]["id"]
        stage.receiver.is_open = True
        browser.open(f"/runs/{run}")
        [one for one in browser.all("#facts summary") if "Retry from another step" in one.text][0].click()
        browser.find("select[name=from]").send_keys("note")
        browser.button("Retry from this step").click()
        until(browser, lambda: "is retried" in browser.text("[role=status]"))
        stage.receiver.let_through()
        until(browser, lambda: "succeeded" in browser.text("#facts"))
        until(browser, lambda: len(browser.all("article[aria-label='Step note'] details")) == 2)

    def test_a_run_is_given_up_only_after_a_second_word(self):
        browser, stage = self.browser, self.stage
        run = stage.runs("failed")[0]["id"]
        browser.open(f"/runs/{run}")
        self.assertFalse(browser.find("form[action$='/discard'] button").is_displayed())
        [one for one in browser.all("#facts summary") if "Discard" in one.text][0].click()
        browser.find("form[action$='/discard'] button").click()
        until(browser, lambda: "is discarded" in browser.text("[role=status]"))
        self.assertIn("discarded", browser.text("#facts"))

    def test_what_comes_in_is_seen_at_once(self):
        browser, stage = self.browser, self.stage
        browser.open("/events")
        until(browser, lambda: browser.text("#live-state") == "Live.")
        self.stand_still()
        event = stage.post(callback("EMAIL_BOUNCE", "p-live", "OOTO"))
        until(browser, lambda: browser.text("#list tbody tr td") == str(event))
        self.assertStoodStill()


class PageTests(StageCase):
    def test_hostile_text_shows_as_text_on_every_page(self):
        shown = set()
        for name in self.each_page():
            self.assertIsNone(self.browser.script("return window.hacked ?? null"))
            self.assertEqual(self.browser.all("img, [onerror], [onclick], [onmouseover], main script, main b, main iframe"), [])
            self.assertEqual(len(self.browser.all("script")), 1)
            self.assertNotIn("hacked", self.browser.driver.title.replace(HOSTILE_PACKAGE, ""))
            text = " ".join(self.browser.script("return document.body.textContent").split())
            if "<script>window.hacked = 1</script>" in text:
                shown.add(name)
        self.assertLessEqual({"events", "event", "package", "run"}, shown, "the message shows where it belongs")

    def test_the_quarantine_shows_the_body_and_why_it_was_not_read(self):
        self.browser.open("/quarantine")
        self.assertIn("<script>window.hacked = 7</script> is no JSON", self.browser.text("main"))
        self.assertNotEqual(self.browser.text(".reason"), "")

    def test_text_that_turns_its_direction_turns_nothing_around_it(self):
        self.browser.open("/events?package=p-bidi")
        cell = self.browser.find("#list tbody tr td:last-child")
        self.assertEqual(len(cell.find_elements(By.CSS_SELECTOR, "bdi")), 1)
        self.assertNotIn("\n", self.browser.script("return arguments[0].textContent", cell).strip())

    def test_no_page_is_wider_than_a_phone(self):
        self.browser.size(390, 844)
        self.addCleanup(self.browser.size, 1280)
        for _ in self.each_page():
            width = self.browser.script("return document.documentElement.scrollWidth")
            widest = self.browser.script(
                "return [...document.querySelectorAll('main *, header *, footer *')].filter(one => !one.closest('.scroll, pre, svg'))"
                ".filter(one => one.getBoundingClientRect().right > 391).map(one => one.outerHTML.slice(0, 120)).slice(0, 3)"
            )
            self.assertLessEqual(width, 390, widest)

    def test_events_are_found_by_package_name_and_text(self):
        browser = self.browser
        browser.open("/events")
        browser.find("input[name=text]").send_keys("personal info")
        browser.find("form[role=search] button").click()
        until(browser, lambda: len(browser.all("#list tbody tr")) == 1)
        self.assertIn("PACKAGE_OPT_OUT", browser.text("#list tbody tr"))
        browser.open("/events?package=" + urllib.parse.quote(HOSTILE_PACKAGE, safe=""))
        self.assertIn("PACKAGE_DECLINE", browser.text("#list"))
        self.assertNotIn("p-2", browser.text("#list"))
        self.assertEqual(browser.find("input[name=package]").get_attribute("value"), HOSTILE_PACKAGE)

    def test_an_event_says_why_each_rule_matched_or_did_not(self):
        self.browser.open(f"/events/{self.stage.failed[0]}")
        until(self.browser, lambda: self.browser.all("section[aria-labelledby=why-title] summary"))
        said = {one.text for one in self.browser.all("section[aria-labelledby=why-title] summary")}
        self.assertEqual({words.split()[-1] for words in said}, {"tell-erp", "alert", "journal"})
        self.assertTrue(any("did not match" in words and "alert" in words for words in said), said)

    def test_a_package_tells_its_story(self):
        self.browser.open("/packages/" + urllib.parse.quote(HOSTILE_PACKAGE, safe=""))
        story = self.browser.text("#story")
        for part in ("PACKAGE_DECLINE", "PACKAGE_COMPLETE", "tell-erp", "failed"):
            self.assertIn(part, story)

    def test_a_payload_is_tried_and_nothing_is_done(self):
        browser = self.browser
        browser.open("/rules")
        area = browser.find("textarea")
        browser.script("arguments[0].value = arguments[1]", area, callback("PACKAGE_COMPLETE", "p-try", HOSTILE))
        browser.button("Dry run").click()
        until(browser, lambda: "Nothing was stored or executed" in browser.text("main"))
        self.assertIn("tell-erp", browser.text("main"))
        self.assertIn("/contracts/p-try", browser.script("return document.querySelector('main').textContent"))
        self.assertIsNone(browser.script("return window.hacked ?? null"))
        browser.open("/events?package=p-try")
        self.assertEqual(browser.all("#list tbody tr"), [])

    def test_what_is_wrong_with_a_payload_is_said(self):
        browser = self.browser
        browser.open("/rules")
        browser.script("arguments[0].value = arguments[1]", browser.find("textarea"), "</textarea><script>window.hacked = 8</script>")
        browser.button("Dry run").click()
        until(browser, lambda: browser.text("[role=alert]") != "")
        self.assertEqual(browser.find("textarea").get_attribute("value"), "</textarea><script>window.hacked = 8</script>")
        self.assertIsNone(browser.script("return window.hacked ?? null"))
        browser.complaints()


class AccessibilityTests(StageCase):
    def test_axe_finds_nothing_wide_or_narrow_light_or_dark(self):
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                self.browser.size(width)
                self.browser.scheme(scheme)
                for name in self.each_page():
                    with self.subTest(page=name, width=width, scheme=scheme):
                        self.assertEqual(self.browser.violations(), [])

    def test_light_and_dark_differ(self):
        colors = set()
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            self.browser.open("/")
            colors.add(self.browser.script("return getComputedStyle(document.documentElement).backgroundColor"))
        self.assertEqual(len(colors), 2, colors)

    def test_the_first_key_leads_to_the_content(self):
        for _ in self.each_page():
            self.press(Keys.TAB)
            self.assertIn("skip", self.browser.driver.switch_to.active_element.get_attribute("class"))
            self.assertTrue(self.browser.driver.switch_to.active_element.is_displayed())
            self.press(Keys.ENTER)
            until(self.browser, lambda: self.browser.script("return document.activeElement.id") == "main")

    def test_the_tab_key_reaches_all_that_can_be_used_and_shows_where_it_is(self):
        for _ in self.each_page():
            wanted = self.browser.script(
                "return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')]"
                ".filter(one => one.checkVisibility()).length"
            )
            reached, unseen = set(), []
            for _ in range(wanted + 2):
                self.press(Keys.TAB)
                element, outline = self.browser.script(
                    "const one = document.activeElement; const style = getComputedStyle(one);"
                    "window.numbers ??= new Map(); if (!numbers.has(one)) numbers.set(one, numbers.size);"
                    "return [one === document.body ? -1 : numbers.get(one),"
                    " style.outlineStyle !== 'none' || style.boxShadow !== 'none' ? '' : one.outerHTML.slice(0, 100)]"
                )
                if element >= 0:
                    reached.add(element)
                    if outline:
                        unseen.append(outline)
            self.assertEqual(unseen, [], "the focus is not seen")
            self.assertGreaterEqual(len(reached), wanted)

    def press(self, key):
        self.browser.driver.switch_to.active_element.send_keys(key)


class PendingTests(unittest.TestCase):
    def setUp(self):
        self.stage = PendingStage(0)
        self.addCleanup(self.stage.end)
        self.browser = Browser(self.stage.url)
        self.addCleanup(self.browser.end)

    def test_pages_of_what_is_pending_are_sound_wide_and_narrow_light_and_dark(self):
        browser = self.browser
        for width, scheme in ((1440, "light"), (390, "light"), (1440, "dark"), (390, "dark")):
            browser.size(width)
            browser.scheme(scheme)
            for name, path in self.stage.pages().items():
                with self.subTest(page=name, width=width, scheme=scheme):
                    browser.open(path)
                    self.assertEqual(browser.violations(), [])
                    self.assertLessEqual(browser.script("return document.documentElement.scrollWidth"), width)
                    self.assertIsNone(browser.script("return window.hacked ?? null"))
                    self.assertEqual(browser.complaints(), [])

    def test_a_timer_is_found_from_the_list_cancelled_after_a_second_word_and_its_event_says_so(self):
        browser = self.browser
        browser.open("/pending?kind=timer")
        count = len(browser.all("tbody tr"))
        browser.all("tbody a")[0].click()
        self.assertIn("scheduled for", browser.text("main"))
        browser.find("details:last-of-type summary").click()
        browser.button("Yes, cancel timer").click()
        until(browser, lambda: "It is cancelled." in browser.text("main"))
        browser.open("/pending?kind=timer")
        self.assertEqual(len(browser.all("tbody tr")), count - 1)

    def test_a_rule_is_paused_with_a_reason_seen_on_every_page_and_resumed(self):
        browser = self.browser
        browser.open("/rules/chase-signers")
        browser.find("details summary").click()
        browser.find("input[name=reason]").send_keys("holidays <b>")
        browser.find("input[name=until]").send_keys("2h")
        browser.button("Yes, pause chase-signers").click()
        until(browser, lambda: "It is paused." in browser.text("main"))
        browser.open("/events")
        self.assertIn("Rule 'chase-signers' is paused since", browser.text("main"))
        self.assertIn("holidays <b>", browser.text("main"))
        browser.link("Resume").click()
        browser.find("#paused details summary").click()
        browser.button("Yes, resume rule").click()
        until(browser, lambda: "It is resumed." in browser.text("main"))
        browser.open("/events")
        self.assertNotIn("paused", browser.text("main"))


class NoScriptTests(StageCase):
    failing = 2
    runs_scripts = False

    def test_a_failed_run_is_retried_without_scripts(self):
        browser, stage = self.browser, self.stage
        browser.open("/")
        browser.find("#problems a").click()
        until(browser, lambda: len(browser.all("#list tbody tr")) == 2)
        browser.find("#list tbody tr td a").click()
        until(browser, lambda: "500" in browser.text("#steps"))
        run = urllib.parse.urlsplit(browser.driver.current_url).path
        stage.receiver.is_open = True
        self.assertFalse(browser.find("form[action$='/retry'] button").is_displayed())
        [one for one in browser.all("#facts summary") if "Retry it" in one.text][0].click()
        self.assertRegex(browser.text("#facts"), "Step \\w+ is repeated")
        browser.find("form[action$='/retry'] button").click()
        until(browser, lambda: "is retried" in browser.text(".notice"))
        stage.receiver.let_through()
        Stage.wait_for(lambda: len(stage.runs("failed")) == 1 and stage.is_at_rest())
        browser.open(run)
        self.assertIn("succeeded", browser.text("#facts"))

    def test_each_page_can_be_reached_and_read(self):
        for _ in self.each_page():
            self.assertNotEqual(self.browser.text("h1"), "")
            self.assertEqual(self.browser.text("#live-state") if self.browser.all("#live-state") else "", "")
        self.browser.open("/")
        for label in ("Events", "Packages", "Runs", "Rules", "Quarantine", "Overview"):
            self.browser.link(label).click()
            until(self.browser, lambda: self.browser.text("h1") == label)

    def test_a_payload_is_tried_without_scripts(self):
        self.browser.open("/rules")
        self.browser.button("Dry run").click()
        until(self.browser, lambda: "Nothing was stored or executed" in self.browser.text("main"))


class TokenTests(unittest.TestCase):
    def test_who_does_not_know_the_token_sees_nothing(self):
        stage = Stage(token="the-token-of-the-operators")
        self.addCleanup(stage.end)
        browser = Browser(stage.url)
        self.addCleanup(browser.end)
        browser.open("/runs?state=failed")
        self.assertEqual(browser.text("h1"), "Sign in")
        self.assertEqual(browser.violations(), [])
        browser.find("input[name=token]").send_keys("wrong" + Keys.ENTER)
        until(browser, lambda: "token is wrong" in browser.text("[role=alert]"))
        browser.find("input[name=token]").send_keys(stage.token + Keys.ENTER)
        until(browser, lambda: browser.text("h1") == "Runs")
        self.assertIn("state=failed", browser.driver.current_url)
        until(browser, lambda: browser.text("#live-state") == "Live.")
        browser.button("Sign out").click()
        until(browser, lambda: browser.text("h1") == "Sign in")
        browser.open("/events")
        self.assertEqual(browser.text("h1"), "Sign in")


if __name__ == "__main__":
    unittest.main(verbosity=2)
