#!/usr/bin/env python3
"""summary - what a rollout's results say of its requests.

    summary.py REQUESTS UPDATES.json TWINS.json

Prints a line for each claim of bench/swarm/run; those that do not hold begin with NOT SO.
"""
import json
import sys


def cases_of(path):
    with open(path) as file:
        return json.load(file)["cases"]


def count(case, classes=None):
    """Requests of these classes (all): over new and over reused connections."""
    new = reused = 0
    for phase in case["rollout"]["traffic"]["phases"].values():
        for name, counts in phase.items():
            if classes is None or name in classes:
                new += counts["new"]
                reused += counts["reused"]
    return new, reused


def updates_of(case):
    return [step for step in case["rollout"]["steps"] if step["took_ns"]]


def claim(holds, text):
    print(("       " if holds else "NOT SO ") + text)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0


def tell(case):
    order = case["axes"].get("rollout.order", "?")
    new, reused = count(case)
    steps = updates_of(case)
    tasks = [task for task in case["rollout"]["tasks"] if task["verdict"]]
    seen = sum(task["seen_by"] == "witness" for task in tasks)
    signals = [task["before_signal_ns"] for task in tasks if task["before_signal_ns"]]
    stops = [task["stop_ns"] for task in tasks if task["stop_ns"]]
    print(f"{order}, {case['half']}: {len(steps)} updates, "
          f"median {median([s['took_ns'] for s in steps]) / 1e9:.2f} s; "
          f"{len(tasks)} stops, {seen} of them seen by a witness")
    print(f"       {new + reused} requests, {new} over new connections and {reused} over "
          f"reused ones; {case['rollout']['failed']} failed, "
          f"{sum(count(case, ['turned-away']))} turned away")
    if signals:
        print(f"       from unwanted to the stop signal: median "
              f"{median(signals) / 1e6:.0f} ms, {min(signals) / 1e6:.0f} to "
              f"{max(signals) / 1e6:.0f}")
    if stops:
        print(f"       from the stop signal to the end: median {median(stops) / 1e6:.0f} ms, "
              f"{min(stops) / 1e6:.0f} to {max(stops) / 1e6:.0f}")


def main():
    wanted = int(sys.argv[1])
    updates, twins = cases_of(sys.argv[2]), cases_of(sys.argv[3])
    for case in updates + twins:
        if not case["rollout"]:
            sys.exit(f"{case['id']} could not run: {case['reason']}")
        tell(case)
    total = sum(sum(count(case)) for case in updates)
    done = sum(len(updates_of(case)) for case in updates)
    failed = sum(case["rollout"]["failed"] for case in updates)
    claim(total >= wanted, f"{total} requests in {done} rolling updates, of {wanted} wanted")
    claim(failed == 0, f"{failed} of them failed")
    claim(all(case["verdict"] == "clean" for case in updates),
          "every task ended well: " + ", ".join(case["verdict"] for case in updates))
    for case in twins:
        causes = [d["text"] for d in case["diagnoses"] if d["id"].startswith("U")]
        claim(case["rollout"]["failed"] > 0 and causes,
              f"the twin fails {case['rollout']['failed']} of {sum(count(case))} requests: "
              + (causes[0] if causes else "no cause is named"))


main()
