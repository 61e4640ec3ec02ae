"""What the proofs with several instances have in common: the program serving, a sender, a receiver, and the account."""

import collections
import contextlib
import http.client
import json
import pathlib
import random
import re
import signal
import socketserver
import subprocess
import threading
import time

import harness

RULES = """
rules:
  - id: chain
    when: { event: DOCUMENT_SIGNED }
    then:
      - id: one
        http: { url: "http://127.0.0.1:%(port)d/one", headers: { X-Run: "${run.id}", X-Attempt: "${run.attempt}" } }
        retry: { attempts: 100, first: 50ms, max: 500ms }
      - id: two
        http: { url: "http://127.0.0.1:%(port)d/two", headers: { X-Run: "${run.id}", X-Attempt: "${run.attempt}" } }
        retry: { attempts: 100, first: 50ms, max: 500ms }
  - id: refused
    when: { event: DOCUMENT_SIGNED, message: refuse }
    then:
      - id: only
        http: { url: "http://127.0.0.1:%(port)d/refuse", headers: { X-Run: "${run.id}", X-Attempt: "${run.attempt}" } }
"""

STEPS = {"chain": ["one", "two"], "refused": ["only"]}


# Of so many events rules match one; the others are stored and evaluated.
acting_every = 1


def acts(package):
    """Whether rules match the event."""
    return int(package[2:]) % acting_every == 0


def is_refused(package):
    """Whether a step of the event's runs fails for good."""
    return int(package[2:]) % 25 == 0


def body(package):
    return json.dumps({
        "name": "DOCUMENT_SIGNED" if acts(package) else "DOCUMENT_VIEWED", "packageId": package, "createdDate": "2018-06-30T20:15:01.038Z",
        "message": "refuse" if is_refused(package) else "sign",
    })


class Receiver:
    """What steps talk to: notes each request by its key, and answers now and then with an error."""

    def __init__(self, seed, failing=0.03):
        self.lock, self.chance, self.failing = threading.Lock(), random.Random(seed), failing
        # By run and step: all keys, the attempts that acted, and how many requests got which status.
        self.keys = collections.defaultdict(set)
        self.attempts = collections.defaultdict(list)
        self.answers = collections.defaultdict(collections.Counter)
        # Set while requests are held.
        self.opens = threading.Event()
        self.opens.set()
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            """Reads requests as the program writes them, and no others, at little cost."""

            def handle(self):
                with contextlib.suppress(ConnectionError):
                    while line := self.rfile.readline():
                        headers = {}
                        while (header := self.rfile.readline()) not in (b"\r\n", b""):
                            name, _, value = header.decode().partition(":")
                            headers[name.lower()] = value.strip()
                        self.rfile.read(int(headers.get("content-length", 0)))
                        status = receiver.take(line.split()[1].decode()[1:], headers)
                        self.wfile.write(b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n" % status)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, request_queue_size = True, 128

            def handle_error(self, *_):
                """A client that was killed has nothing to be told."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers):
        step = "only" if path == "refuse" else path
        place = (headers["x-run"], step)
        with self.lock:
            self.keys[place].add(headers["idempotency-key"])
            self.attempts[place].append(int(headers["x-attempt"]))
            status = 422 if path == "refuse" else 500 if self.chance.random() < self.failing else 200
            self.answers[place][status] += 1
        self.opens.wait()
        return status


class Instance:
    """One `serve` with a folder, a spool and a log of its own, over a store that others use as well."""

    def __init__(self, folder, name, store, receiver, more=None):
        self.folder, self.name, self.process, self.port = pathlib.Path(folder, name), name, None, None
        (self.folder / "rules").mkdir(parents=True)
        (self.folder / "rules/rules.yaml").write_text(RULES % {"port": receiver.port})
        self.variables = {
            "COUNTERSIGN_STORE": store, "COUNTERSIGN_INSTANCE_NAME": name, "COUNTERSIGN_SPOOL_PATH": f"{self.folder}/spool",
            "COUNTERSIGN_SPOOL_SIZE": "16MiB", "COUNTERSIGN_SPOOL_ALLOW_VOLATILE": "true",
            "COUNTERSIGN_SPOOL_AFTER": "2s", "COUNTERSIGN_ENGINE_LEASE": "3s",
        } | (more or {})

    @property
    def environment(self):
        return harness.environment(self.folder, self.variables)

    def start(self, more=None):
        """Starts the program and waits until it listens, with its store or with the spool alone."""
        with open(self.folder / "log", "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [harness.program, "serve"], cwd=self.folder, env=self.environment | (more or {}), stderr=log,
                stdout=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with open(self.folder / "log", "rb") as log:
                log.seek(begin)
                if found := re.search(rb"msg=Listening .*?\bport=(\d+)", log.read()):
                    self.port = int(found[1])
                    return self
            time.sleep(0.02)
        raise SystemExit(f"{self.name} does not start:\n{self.log[-3000:]}")

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def kill(self):
        self.port = None
        self.process.kill()
        self.process.wait(60)

    def stop(self):
        """Ends the program as an operator does; gives the exit status, or that there is none after 90 seconds."""
        self.port = None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.kill()
            return "nothing within 90 s"

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words):
        """What a command says, and its exit status."""
        done = subprocess.run(
            [harness.program, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        return done.stdout + done.stderr, done.returncode

    def is_spooling(self):
        """Whether callbacks wait in its spool, or for its store."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/ready")
            said = connection.getresponse().read().decode()
            return "spooling" in said or "waiting for the store" in said
        except (OSError, http.client.HTTPException):
            return True
        finally:
            connection.close()


class Ledger(harness.Ledger):
    """What was sent to any instance, and what came of it."""

    def __init__(self, chance):
        super().__init__()
        self.chance = chance
        # Answered 200 by a spool; and without an answer, which nobody sends again.
        self.spooled, self.given_up, self.last_answer = set(), set(), 0

    @property
    def answered(self):
        """All that was answered 200."""
        return set(self.acknowledged) | self.spooled

    def tell(self, package, status, event):
        if status == 200:
            self.last_answer = time.monotonic()
        if status == 200 and event is None:
            with self.lock:
                self.spooled.add(package)
        elif status is None and self.chance.random() < 0.3:
            with self.lock:
                self.given_up.add(package)
        else:
            super().tell(package, status, event)


class Load:
    """Senders that post to whichever instance answers, so many events a second in all."""

    def __init__(self, instances, ledger, rate, senders=6, seed=1):
        self.instances, self.ledger, self.is_over = instances, ledger, threading.Event()
        # Who did not answer gets nothing for a moment, as from a balancer.
        self.failed_at = {}
        self.threads = [
            threading.Thread(target=self.send, args=(senders / rate, random.Random(f"{seed} {number}")), daemon=True)
            for number in range(senders)
        ]
        for thread in self.threads:
            thread.start()

    def choose(self, chance):
        usable = [one for one in self.instances if one.port]
        healthy = [one for one in usable if time.monotonic() - self.failed_at.get(one.name, 0) > 2]
        return chance.choice(healthy or usable) if usable else None

    def send(self, pause, chance):
        connections, due = {}, time.monotonic() + chance.uniform(0, pause)
        while not self.is_over.wait(max(0, due - time.monotonic())):
            # Who was kept waiting makes up for it, but not for more than a second.
            due = max(due + pause, time.monotonic() - 1)
            if instance := self.choose(chance):
                self.post(instance, connections)
            else:
                self.is_over.wait(0.01)

    def post(self, instance, connections):
        port = instance.port
        if not port:
            return
        client = connections.setdefault(port, harness.Client(port, timeout=6))
        package = self.ledger.next()
        try:
            status, answer = client.post(body(package))
        except (OSError, ValueError):
            self.failed_at[instance.name] = time.monotonic()
            return self.ledger.tell(package, None, None)
        self.ledger.tell(package, status, answer.get("event"))

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def settle(database, instances, ledger, within=90):
    """Sends what is unknown once more, and waits until nothing is under way; gives the faults."""
    deadline, state = time.monotonic() + within, ""
    client = harness.Client(instances[0].port)
    while ledger.unknown:
        package = ledger.unknown.pop()
        status, answer = client.post(body(package))
        ledger.tell(package, status, answer.get("event"))
    while time.monotonic() < deadline:
        spooling = [one.name for one in instances if one.is_spooling()]
        waiting, queued, running = database.rows(
            "select (select count(*) from countersign.inbox), count(*) filter (where state = 0), "
            "count(*) filter (where state = 1) from countersign.runs"
        )[0]
        state = f"inbox {waiting}, queued {queued}, running {running}, spooling: {' '.join(spooling) or 'none'}"
        if not spooling and waiting == queued == running == "0":
            return []
        time.sleep(0.2)
    return [f"it did not come to rest within {within} s: {state}"]


def account_events(database, ledger):
    """Every event that is not stored as it was answered, as a sentence; and the events by their numbers."""
    faults, events = list(ledger.faults), {}
    stored = collections.defaultdict(list)
    for number, package, text in database.rows(
        "select id, package_id, convert_from(body, 'UTF8') from countersign.events where name like 'DOCUMENT_%' order by id"
    ):
        stored[package].append(int(number))
        events[int(number)] = package
        if text != body(package):
            faults.append(f"the body of {package} is not what was sent")
    for package in ledger.answered:
        number = ledger.acknowledged.get(package)
        if len(stored[package]) != 1 or number not in (None, stored[package][0]):
            faults.append(f"{package} was answered 200 as event {number} and is stored as {stored[package]}")
    for package, numbers in stored.items():
        if len(numbers) > 1:
            faults.append(f"{package} is stored {len(numbers)} times")
        if numbers and not 1 <= int(package[2:]) <= ledger.sent:
            faults.append(f"{package} is stored and was never sent")
    for number, count in database.rows(
        "select e.id, count(v.event_id) from countersign.events e left join countersign.evaluations v on v.event_id = e.id "
        "group by e.id having count(v.event_id) <> 1"
    ):
        faults.append(f"event {number} was evaluated {count} times")
    return faults, events


def account_runs(database, events, receiver):
    """Every run that is not as its event and its receiver say, as a sentence; and how many steps acted again."""
    faults, runs = [], collections.defaultdict(dict)
    for run, event, rule, state in database.rows("select id, event_id, rule_id, state from countersign.runs"):
        if rule in runs[int(event)]:
            faults.append(f"event {event} has two runs of {rule}")
        runs[int(event)][rule] = (run, state)
    records = collections.defaultdict(collections.Counter)
    reasons = {}
    for run, step, status, reason in database.rows(
        "select run_id, step_id, status, replace(replace(coalesce(reason, ''), E'\\n', ' '), '|', ' ') from countersign.steps"
    ):
        records[run, step][status] += 1
        reasons[run, step] = reason
    again = 0
    for number, package in events.items():
        expected = ({"chain": "2"} | ({"refused": "3"} if is_refused(package) else {})) if acts(package) else {}
        found = {rule: state for rule, (_, state) in runs[number].items()}
        if found != expected:
            faults.append(f"event {number} has the runs {found} instead of {expected}")
        for rule, (run, state) in runs[number].items():
            for step in STEPS.get(rule, []):
                more, said = account_step(records[run, step], reasons.get((run, step), ""), receiver, run, step, state)
                again += more
                faults += [f"run {run}, step {step}: {sentence}" for sentence in said]
    keys = [key for place in receiver.keys.values() for key in place]
    if len(set(keys)) != len(receiver.keys):
        faults.append("an idempotency key belongs to two steps, or a step has two")
    return faults, again


def account_step(records, reason, receiver, run, step, state):
    """How often a step acted again, and what is wrong with it; statuses are 0 succeeded, 1 failed, 3 interrupted."""
    faults, answers = [], receiver.answers[run, step]
    if state == "3" and "422" not in reason:
        faults.append(f"it failed without the reason: '{reason}'")
    if state == "2" and (records["0"] != 1 or not answers[200]):
        faults.append(f"it has {records['0']} results, and acted {answers[200]} times")
    # Only an attempt whose lease was lost may act without a result of its own.
    more = sum(answers.values()) - records["0"] - records["1"]
    if more > records["3"]:
        faults.append(f"it acted in the attempts {receiver.attempts[run, step]}, with the records {dict(records)}")
    return max(0, more), faults


def account_rest(instances):
    """What the instances leave behind when they stop: nothing."""
    faults = [f"{one.name} ended with {status} after SIGTERM" for one in instances if (status := one.stop()) != 0]
    for one in instances:
        said, status = one.command("spool", "check")
        if status or not re.search(r"\b0 events|\bempty|no events", said):
            faults.append(f"the spool of {one.name}: {said.strip()}")
    said, status = instances[0].command("store", "check")
    if status:
        faults.append(f"the store: {said.strip()}")
    return faults


@contextlib.contextmanager
def ended(instances):
    """Ends whatever instance is left when the body is through."""
    try:
        yield
    finally:
        for one in instances:
            if one.process and one.process.poll() is None:
                one.resume()
                one.kill()
