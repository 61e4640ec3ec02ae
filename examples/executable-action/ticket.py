#!/usr/bin/env python3
"""An action of one's own as an executable: opens a ticket, here as a line in tickets.jsonl.

Named in countersign.yaml:

    actions:
      ticket: { program: /path/to/ticket.py }

and used in a rule:

    - ticket: { title: "Call the signer of ${event.packageId}", priority: 2 }

One JSON request comes on standard input, one JSON answer goes to standard output.
"""

import json
import os
import sys

DECLARATION = {
    "name": "ticket",
    "summary": "Opens a ticket.",
    "main_field": "title",
    "fields": [
        {"key": "title", "type": "text", "required": True, "summary": "What the ticket is about."},
        {"key": "priority", "type": "integer", "required": False, "summary": "From 1 (now) to 5.", "default": 3},
    ],
    "outputs": [{"name": "number", "summary": "The ticket's number."}],
}


def plan(request):
    options = request["options"]
    return {"title": options["title"], "priority": options.get("priority", 3)}


def perform(request):
    path = "tickets.jsonl"
    tickets = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            tickets = [json.loads(line) for line in file]
    # The same key comes with every further try at this step: a ticket that is open already is not opened again.
    key = request["idempotency_key"]
    for ticket in tickets:
        if ticket["key"] == key:
            return {"number": ticket["number"]}
    ticket = {"number": len(tickets) + 1, "key": key, **request["plan"]}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(ticket) + "\n")
    return {"number": ticket["number"]}


def main():
    request = json.load(sys.stdin)
    kind = request["request"]
    if kind == "describe":
        answer = DECLARATION
    elif kind == "plan":
        answer = {"plan": plan(request)}
    elif kind == "perform":
        answer = {"outputs": perform(request)}
    else:
        answer = {"error": f"there is no request '{kind}'", "retry": False}
    json.dump(answer, sys.stdout)


main()
