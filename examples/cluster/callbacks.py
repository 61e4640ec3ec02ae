#!/usr/bin/env python3
"""Sends callbacks as OneSpan Sign does, one attempt each, and compares what was answered 200 with what is stored.

usage: callbacks.py send URL KEY RATE FILE     until SIGTERM; a line of FILE for each callback that was answered 200
       callbacks.py check FILE                 reads `countersign events list --json` from standard input
"""

import collections
import http.client
import json
import signal
import sys
import threading
import time
import urllib.parse

answers, lock, is_over = collections.Counter(), threading.Lock(), threading.Event()


def send(url, key, pause, file, first, step):
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    number = first
    while not is_over.is_set():
        package = f"package-{number}"
        body = json.dumps({"name": "PACKAGE_COMPLETE", "packageId": package, "createdDate": "2026-06-30T20:15:01.038Z"})
        began = time.monotonic()
        try:
            connection.request("POST", place.path, body, {"Authorization": f"Basic {key}"})
            answer = connection.getresponse()
            said = answer.read()
            result = "spooled" if b'"spooled": true' in said else str(answer.status)
        except (OSError, http.client.HTTPException):
            connection.close()
            result = "no answer"
        with lock:
            answers[result] += 1
            if result in ("200", "spooled"):
                print(package, file=file, flush=True)
        number += step
        is_over.wait(max(0, pause - (time.monotonic() - began)))


def main_send(url, key, rate, path):
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    senders = 8
    with open(path, "w") as file:
        threads = [
            threading.Thread(target=send, args=(url, key, senders / float(rate), file, index, senders)) for index in range(senders)
        ]
        for thread in threads:
            thread.start()
        while not is_over.wait(2):
            report()
        for thread in threads:
            thread.join()
    report()


def report():
    with lock:
        stored, spooled = answers["200"], answers["spooled"]
        others = ", ".join(f"{count} × {result}" for result, count in answers.items() if result not in ("200", "spooled"))
    print(f"   callbacks answered 200: {stored + spooled:6} ({spooled} by a spool){'; ' + others if others else ''}", flush=True)


def main_check(path):
    with open(path) as file:
        acknowledged = set(file.read().split())
    stored = collections.Counter()
    for line in sys.stdin:
        event = json.loads(line)
        if event["name"] == "PACKAGE_COMPLETE":
            stored[event["payload"]["packageId"]] += 1
    missing, twice = acknowledged - set(stored), [package for package, count in stored.items() if count > 1]
    print(f"   answered 200: {len(acknowledged)}   stored: {len(stored)}   missing: {len(missing)}   stored twice: {len(twice)}")
    sys.exit(1 if missing or twice or not acknowledged else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"] and len(sys.argv) == 6:
        main_send(*sys.argv[2:])
    elif sys.argv[1:2] == ["check"] and len(sys.argv) == 3:
        main_check(sys.argv[2])
    else:
        sys.exit(__doc__)
