"""Real PostgreSQL servers for the proofs, on loopback and as an ordinary user, and links to them that can be cut."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

REAPER = """
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
# The number of a server that was killed may be another process by now.
runs() { grep -q "$1/data" "/proc/$pid/cmdline" 2> /dev/null; }
runs "$1" && kill -INT "$pid"
while runs "$1"; do sleep 0.1; done
rm -rf "$1"
"""


def programs():
    """The folder of the newest server that is installed."""
    found = [path for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    if not found:
        raise SystemExit("there is no PostgreSQL server on this machine: install it (apt-get install postgresql)")
    return max(found, key=lambda path: int(path.parent.name))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class PostgreSQL:
    """A server with its data in a folder of its own; stopped when this process ends, in whatever way."""

    def __init__(self, settings=(), copy_of=None):
        """Makes a new server, or a standby of `copy_of` that reaches it through the port `copy_of.link`."""
        self.folder = tempfile.mkdtemp(prefix="countersign-pg-")
        self.settings, self.process, self.port = list(settings), None, free_port()
        if os.geteuid() == 0:
            user = next(entry for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody"))
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        else:
            self.prefix = []
        os.chmod(self.folder, 0o711)
        if copy_of:
            source = f"host=127.0.0.1 port={copy_of} user=countersign application_name=standby"
            self.run("pg_basebackup", "-D", f"{self.folder}/data", "-d", source, "-R", "-X", "stream", "-c", "fast")
        else:
            self.run(
                "initdb", "-D", f"{self.folder}/data", "-U", "countersign", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
            )
        self.lifeline = subprocess.Popen(["sh", "-c", REAPER, "sh", self.folder], stdin=subprocess.PIPE)
        self.start()

    def run(self, name, *words):
        """Runs one of the server's programs as its user."""
        done = subprocess.run(
            [*self.prefix, str(programs() / name), *words], cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise SystemExit(f"{name} failed: {done.stderr}{done.stdout}")

    def start(self):
        """Starts the server and waits until it answers."""
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", "log_min_messages=fatal", *self.settings]
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, str(programs() / "postgres"), "-D", f"{self.folder}/data", "-k", self.folder]
                + [word for setting in settings for word in ("-c", setting)],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.sql("select 1")
                return
            time.sleep(0.02)
        raise SystemExit("the PostgreSQL server does not start: " + pathlib.Path(self.folder, "log").read_text()[-2000:])

    def stop(self, how=signal.SIGINT):
        """Ends the server: SIGINT closes it, SIGQUIT is the immediate stop."""
        self.process.send_signal(how)
        self.process.wait(60)

    def crash(self):
        """Kills the server and all that belongs to it, as the end of its machine does."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for number in [self.process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait(60)

    def promote(self):
        """Makes a standby the primary, and waits until it is."""
        self.run("pg_ctl", "promote", "-D", f"{self.folder}/data", "-w")

    def remove(self):
        """Stops the server and removes its folder."""
        if self.process.poll() is None:
            self.stop()
        self.lifeline.stdin.close()
        self.lifeline.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement):
        """What a statement gives, as psql writes it without ornaments; raises CalledProcessError when it is refused."""
        return subprocess.run(
            [str(programs() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement,
             f"host=127.0.0.1 port={self.port} dbname=postgres user=countersign connect_timeout=5"],
            capture_output=True, text=True, check=True,
        ).stdout.rstrip("\n")

    def rows(self, statement):
        """The rows of a statement, each a list of texts."""
        said = self.sql(statement)
        return [line.split("|") for line in said.split("\n")] if said else []


class Link:
    """A way to a port of this machine that can be cut: both ends stay connected, and nothing passes any more."""

    def __init__(self, target):
        self.target, self.pairs, self.lock = target, set(), threading.Lock()
        self.passes = {"there": threading.Event(), "back": threading.Event()}
        self.mend()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self, *ways):
        """Lets nothing pass in the ways `there` and `back`, or in both."""
        for way in ways or self.passes:
            self.passes[way].clear()

    def mend(self):
        """Lets everything pass, also what was sent meanwhile, to connections that may have been given up."""
        for way in self.passes.values():
            way.set()

    def reset(self):
        """Ends all connections."""
        with self.lock:
            for pair in self.pairs:
                for end in pair:
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            return client.close()
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self.lock:
            self.pairs.add(pair)
        back = threading.Thread(target=self.pump, args=(server, client, self.passes["back"]), daemon=True)
        back.start()
        self.pump(client, server, self.passes["there"])
        back.join()
        with self.lock:
            self.pairs.discard(pair)
        for end in pair:
            end.close()

    @staticmethod
    def pump(source, sink, passes):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                passes.wait()
                sink.sendall(data)
        passes.wait()
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
