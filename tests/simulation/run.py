"""Run seeds of the simulation: `python -m tests.simulation.run --seeds 100000`, or `--seed N` with its log."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.faults import draw
from tests.simulation.invariants import Violation
from tests.simulation.world import MakeElection, World

from piranha.pulse.election import Election


def run_seed(seed: int, make_election: MakeElection = Election, *, trace: bool = False) -> dict[str, int]:
    """Live through one history; raise `Violation` or return how often takeover, split, abort, thaw … occurred."""
    world = World(seed, make_election, print if trace else None)
    last = draw(world)
    world.run(last)
    while any(node.running and node.ending for node in world.nodes):
        world.run(world.now + 1.0)
    world.check.fault()
    deadtime_s = max(node.settings.heartbeat.deadtime_s for node in world.nodes)
    initdead_s = max(node.settings.heartbeat.initdead_s for node in world.nodes)
    keepalive_s = max(node.settings.heartbeat.keepalive_s for node in world.nodes)
    quiet_since = world.now + 2 * deadtime_s + initdead_s
    world.loss = 0.0  # loss is a fault too
    failback_s = world.nodes[0].settings.failback_s
    pending_s = 0.0 if failback_s is None else failback_s + 3 * deadtime_s
    quiet_since += pending_s
    if world.check.failed_once:
        quiet_since += deadtime_s + 6.0
    watch(world, quiet_since + deadtime_s / 2, calm_s=deadtime_s + keepalive_s + pending_s)
    world.check.before_change()
    world.check.settled(quiet_since)
    return world.counts


def watch(world: World, until: float, calm_s: float) -> None:
    """Let time pass until the pair has been settled and calm for `calm_s`, at the latest at `until`.

    No timer of a settled pair is longer. What only a longer wait would show, every eighth seed shows.
    """
    check = world.check
    while world.now < until:
        calm = world.now >= check.calm_since() + calm_s
        if calm and world.seed % 8 and not check.unsettled():
            return
        world.run(min(until, max(world.now + calm_s / 4, check.calm_since() + calm_s)))


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: no violation, 1: some (each with its seed)."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--seed", type=int, help="this one only, with its log")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        try:
            counts = run_seed(options.seed, trace=True)
        except Violation as violation:
            print(violation, file=sys.stderr)
            return 1
        print({key: value for key, value in counts.items() if value})
        return 0
    began = time.process_time()
    reached: Counter[str] = Counter()
    bad = 0
    for seed in range(options.first, options.first + options.seeds):
        try:
            reached.update(key for key, value in run_seed(seed).items() if value)
        except Violation as violation:
            bad += 1
            print(violation, file=sys.stderr)
    spent = time.process_time() - began
    print(f"{options.seeds} seeds, {bad} violations, {options.seeds / spent:.0f} seeds a second of CPU")
    print("seeds that reached: " + ", ".join(f"{key} {value}" for key, value in sorted(reached.items())))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
