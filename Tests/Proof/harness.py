"""What the proofs have in common: the real program over a store, a sender of callbacks, and a ledger of what became of each."""

import itertools
import json
import os
import pathlib
import socket
import subprocess
import threading

root = pathlib.Path(__file__).resolve().parents[2]
program = os.environ.get("COUNTERSIGN", str(root / ".build/debug/countersign"))
seed = int(os.environ.get("COUNTERSIGN_SEED", "1"))
KEY, ADMIN = "the-key-of-the-proofs", "COUNTERSIGN_ADMIN_LISTEN"


def environment(folder, more=None):
    """The variables of the program: a store, rules and an output folder beneath `folder`."""
    values = {
        "PATH": os.environ["PATH"], "COUNTERSIGN_CALLBACK_KEY": KEY, "COUNTERSIGN_LISTEN": "127.0.0.1:0",
        "COUNTERSIGN_LOG_FORMAT": "logfmt", ADMIN: "off",
        "COUNTERSIGN_STORE": f"sqlite:{folder}/data/countersign.db", "COUNTERSIGN_RULES": f"{folder}/rules",
        "COUNTERSIGN_FILES_ROOT": f"{folder}/output", "COUNTERSIGN_SPOOL_SIZE": "1MiB",
        # On a machine that is busy a commit may take long; only a store that refuses is to be spooled for.
        "COUNTERSIGN_SPOOL_AFTER": "1m",
    }
    return values | {name: value for name, value in (more or {}).items() if value is not None}


class Server:
    """The program, serving."""

    def __init__(self, folder, more=None):
        self.process = subprocess.Popen(
            [program, "serve"], cwd=folder, env=environment(folder, more), stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )
        self.lines = []
        self.port = int(self.told("msg=Listening", "port="))
        # With its admin side on any free port, where that is; it comes before the endpoint or behind it.
        self.admin = self.told('msg="Admin server started"', "url=") if (more or {}).get(ADMIN) else None
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def told(self, message, field):
        """What a line of the log says in a field; waits for the line."""
        known = list(self.lines)
        for line in itertools.chain(known, self.fresh()):
            if message in line:
                return next(word for word in line.split() if word.startswith(field))[len(field):].strip('"')
        raise SystemExit("the program did not start:\n" + "".join(self.lines))

    def fresh(self):
        for line in self.process.stderr:
            self.lines.append(line)
            yield line

    def end(self, how):
        """Sends a signal and waits for the end; gives the exit status."""
        self.process.send_signal(how)
        return self.process.wait(60)


class Client:
    """Posts callbacks as the vendor does, over one connection, at little cost: a sender of thousands is one of many."""

    def __init__(self, port, timeout=20):
        self.port, self.timeout, self.socket, self.rest = port, timeout, None, b""

    def post(self, body):
        """The status and the JSON of the answer; raises OSError or ValueError when there is none, and begins anew then."""
        body = body if isinstance(body, bytes) else body.encode()
        head = f"POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            if not self.socket:
                self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(head.encode() + body)
            head = self.read_until(b"\r\n\r\n").lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            while len(self.rest) < length:
                self.receive()
            answer, self.rest = self.rest[:length], self.rest[length:]
        except (OSError, ValueError):
            self.close()
            raise
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1]), json.loads(answer)

    def read_until(self, end):
        while end not in self.rest:
            self.receive()
        found, self.rest = self.rest.split(end, 1)
        return found + b"\r\n"

    def receive(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self.rest += data

    def close(self):
        """Ends the connection; the next callback makes another."""
        if self.socket:
            self.socket.close()
        self.socket, self.rest = None, b""


class Ledger:
    """What was sent, and what came of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.unknown, self.refused = 0, set(), set()
        self.acknowledged = {}
        self.faults = []

    def next(self):
        with self.lock:
            if self.unknown:
                return self.unknown.pop()
            self.sent += 1
            return f"p-{self.sent}"

    def tell(self, package, status, event):
        with self.lock:
            if status is None:
                self.unknown.add(package)
            elif status != 200:
                self.refused.add(package)
            elif self.acknowledged.setdefault(package, event) != event:
                self.faults.append(f"{package} was given the numbers {self.acknowledged[package]} and {event}")


def body(package):
    return json.dumps({"name": "DOCUMENT_SIGNED", "packageId": package, "createdDate": "2018-06-30T20:15:01.038Z"})


def send(port, ledger, is_over):
    """Posts events until the connection breaks or it is over."""
    client = Client(port)
    while not is_over.is_set():
        package = ledger.next()
        try:
            status, answer = client.post(body(package))
        except (OSError, ValueError):
            return ledger.tell(package, None, None)
        ledger.tell(package, status, answer.get("event"))


def survivors(folder):
    """The programs of this store that are still alive."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if f"@{folder}/".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found
