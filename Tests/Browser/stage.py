"""The real program with a store in which something failed, and a receiver of its requests that the test holds in its hands."""

import http.client
import http.server
import json
import pathlib
import queue
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Proof"))
import harness  # noqa: E402

# What a signer may type, and what others may have put into the other fields; all of it must show as text.
HOSTILE = (
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\"' onmouseover=\"window.hacked = 3\" "
    "&lt;b&gt; {{title}} {{{main}}} ${event.name} javascript:window.hacked=4 </textarea></pre></title> ' OR 1=1 --"
)
HOSTILE_PACKAGE = "<b onclick='window.hacked = 5'>p</b>\"&/../%2e%2e?x=1#y="
LONG = "W" * 3000
BIDI = "begin \u202edesrever\u202c end"

RULES = """
rules:
  - id: tell-erp
    when: { event: PACKAGE_COMPLETE }
    then:
      - id: note
        file: { path: "completed/${event.packageId | sha256}.json" }
      - id: erp
        http: { url: "http://127.0.0.1:PORT/contracts/${event.packageId}", json: { package: "${event.packageId}" } }
        retry: { attempts: 1 }
      - id: last
        log: "${event.packageId} is reported"
  - id: alert
    when: { event: [PACKAGE_DECLINE, PACKAGE_OPT_OUT] }
    then:
      - log: { message: "${event.sessionUser}: ${event.message}", level: warning }
  - id: journal
    when: { event: "*" }
    then:
      - file: { path: journal.jsonl, mode: append }
"""


# What stays open: timers, a digest, and runs that wait behind one which a file holds up.
PENDING_RULES = """
rules:
  - id: chase-signers
    when: { event: PACKAGE_ACTIVATE }
    after: [3d, 5d]
    unless: { event: PACKAGE_COMPLETE }
    then: [ { log: "${event.packageId} is not signed" } ]
  - id: declines-of-the-day
    when: { event: PACKAGE_DECLINE }
    digest: { within: 8h }
    then: [ { log: "${digest.count} declines" } ]
  - id: sync-crm
    when: { event: SIGNER_COMPLETE }
    concurrency: { per: packageId, group: crm }
    then: [ { shell: "until test -e open; do sleep 0.05; done" } ]
  - id: morning-report
    when: { schedule: "30 7 * * mon-fri", zone: Europe/Berlin }
    then: [ { log: "Good morning" } ]
"""


class Receiver:
    """Answers 500 until `is_open`; each request waits until the test lets it through."""

    def __init__(self):
        self.is_open = False
        self.passes = queue.Queue()
        self.arrivals = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                receiver.arrivals.put(self.path)
                receiver.passes.get(timeout=60)
                body = b'{"told": true}' if receiver.is_open else b"<h1>closed for <script>window.hacked = 6</script></h1>"
                self.send_response(200 if receiver.is_open else 500)
                self.send_header("content-type", "application/json" if receiver.is_open else "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def let_through(self, count=1):
        for _ in range(count):
            self.passes.put(None)

    def end(self):
        self.let_through(1000)
        self.server.shutdown()
        self.server.server_close()


def callback(name, package="p-1", message=None, user="signer-7", at="2026-06-30T20:15:01.038Z"):
    """A body as OneSpan Sign posts it; `at` is None for one that happens when it arrives."""
    return json.dumps({
        "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": name, "sessionUser": user, "packageId": package,
        "message": message, "documentId": "default-consent" if name.startswith("DOCUMENT") else None, "createdDate": at,
    })


class Stage:
    """The server over a store of its own: some events, runs that succeeded, `failing` runs that failed, one body in quarantine."""

    rules = RULES

    def __init__(self, failing=1, token=None):
        self.folder = tempfile.TemporaryDirectory()
        self.receiver = Receiver()
        rules = pathlib.Path(self.folder.name, "rules")
        rules.mkdir()
        (rules / "rules.yaml").write_text(self.rules.replace("PORT", str(self.receiver.port)))
        more = {"COUNTERSIGN_ADMIN_LISTEN": "127.0.0.1:0", "COUNTERSIGN_ADMIN_TOKEN": token}
        self.server = harness.Server(self.folder.name, more)
        self.token = token
        self.url = self.server.admin.rstrip("/")
        self.client = harness.Client(self.server.port)
        self.failed = []
        self.fill(failing)

    def post(self, body):
        status, answer = self.client.post(body)
        return answer.get("event") if status == 200 else None

    def fill(self, failing):
        for name in ("PACKAGE_CREATE", "PACKAGE_ACTIVATE", "DOCUMENT_SIGNED", "SIGNER_COMPLETE"):
            self.post(callback(name))
        self.post(callback("PACKAGE_OPT_OUT", "p-2", "the personal info is not correct"))
        self.post(callback("PACKAGE_DECLINE", HOSTILE_PACKAGE, HOSTILE, user=HOSTILE))
        self.post(callback("PACKAGE_DECLINE", "p-long", LONG, user=LONG[:255]))
        self.post(callback("PACKAGE_OPT_OUT", "p-bidi", BIDI + "\n\tsecond line\x00\x1b[31m"))
        self.post("<script>window.hacked = 7</script> is no JSON")
        self.receiver.let_through(failing)
        for number in range(failing):
            package = HOSTILE_PACKAGE if number == 0 else f"f-{number}"
            self.failed.append(self.post(callback("PACKAGE_COMPLETE", package, HOSTILE)))
        self.wait_for(lambda: len(self.runs("failed")) == failing and self.is_at_rest())

    def is_at_rest(self):
        """Whether every event is evaluated, those that runs raised among them, and every run has ended."""
        events = self.api("/events")["events"]
        return all(event["evaluated_at"] for event in events) and not self.runs("queued") and not self.runs("running")

    def get(self, path):
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"} if self.token else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def api(self, path):
        status, text = self.get(f"/api/v1{path}")
        if status != 200:
            raise AssertionError(f"/api/v1{path} answers {status}: {text}")
        return json.loads(text)

    def runs(self, state):
        return self.api(f"/runs?state={state}")["runs"]

    @staticmethod
    def wait_for(holds, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return
            time.sleep(0.05)
        raise AssertionError("it did not come about in time")

    def end(self):
        self.receiver.end()
        self.client.close()
        self.server.end(15)
        self.server.process.stderr.close()
        self.folder.cleanup()


class PendingStage(Stage):
    """The server over a store in which rules keep something open, for a package with a hostile name."""

    rules = PENDING_RULES

    def fill(self, failing):
        for package in (HOSTILE_PACKAGE, "p-1"):
            self.post(callback("PACKAGE_ACTIVATE", package, at=None))
            for number in range(3):
                self.post(callback("SIGNER_COMPLETE", package, user=f"signer-{number}", at=None))
            self.post(callback("PACKAGE_DECLINE", package, HOSTILE, at=None))
        self.wait_for(lambda: len(self.pending()) == 8 and len(self.runs("running")) == 2)

    def pending(self):
        return self.api("/pending")["pending"]

    def pages(self):
        """A path of each page that shows what is pending."""
        items = self.pending()
        first = {item["kind"]: urllib.parse.quote(item["id"], safe="") for item in reversed(items)}
        package = urllib.parse.quote(HOSTILE_PACKAGE, safe="")
        return {
            "pending": "/pending", "pending-empty": "/pending?kind=threshold", "timer": f"/pending/{first['timer']}",
            "digest": f"/pending/{first['digest']}", "queue": f"/pending/{first['queue']}",
            "schedule": f"/pending/{first['schedule']}", "pending-package": f"/packages/{package}",
            "pending-event": "/events/1", "pending-rule": "/rules/chase-signers",
        }

    def end(self):
        for folder in (self.folder.name, pathlib.Path(self.folder.name, "output")):
            pathlib.Path(folder, "open").touch()
        super().end()


def pages(stage):
    """A path of each page, each with what it is to show."""
    event = stage.failed[0]
    run = stage.runs("failed")[0]["id"]
    package = urllib.parse.quote(HOSTILE_PACKAGE, safe="")
    return {
        "overview": "/", "events": "/events", "events-search": "/events?text=personal", "event": f"/events/{event}",
        "packages": "/packages", "package": f"/packages/{package}", "runs": "/runs", "runs-failed": "/runs?state=failed",
        "run": f"/runs/{run}", "rules": "/rules", "rule": "/rules/tell-erp", "pending": "/pending", "quarantine": "/quarantine",
        "quarantined": "/quarantine/1", "instances": "/instances", "not-found": "/nothing-here",
    }
