"""Plays a scenario: commands in, the same commands with what happened below them out.

    nodes keepalive=2 deadtime=6     both routers (also: initdead, lease, paths=public,private, alone=1)
    start primary backup             they boot
    run 10                           virtual seconds pass (`settle 10`: and nobody wants to read about it)
    cut public | cut public primary  in both directions, or what this router sends; `heal` likewise
    filter public primary            a firewall drops heartbeats only; `unfilter` likewise
    freeze, thaw, kill, poweroff, stop, switchover, restart, unready, ready, failing, works ROUTER
    block ROUTER 3                   its effects do not come back for so long
    keys differ | keys agree         reload ROUTER keepalive=2 deadtime=6       force ROUTER
    forge ROUTER 30                  somebody sends it heartbeats with a wrong signature for so long
    unplug ROUTER, plug ROUTER       the cable that carries its VIPs (nodes: monitor_links=1)
    silent ROUTER, answered ROUTER   the hosts of monitor_hosts, as this router sees them (nodes: monitor_hosts=1)
    nolan ROUTER                     it cannot ask the LAN who has the VIPs

Lines that begin with `----` are what happened, with `====` who holds the addresses then.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from math import inf

from tests.simulation.faults import COUNTED
from tests.simulation.world import Node, World

from piranha.lvscf.config import HeartbeatSettings, VipSettings
from piranha.pulse.actions import Command
from piranha.pulse.heartbeat import Place
from piranha.pulse.settings import ElectionSettings


class Middle(random.Random):
    """No chance: always the middle."""

    def random(self) -> float:
        return 0.5


def play(text: str) -> str:
    """Return `text` with the outcome in place of the one written there."""
    scene = Scene()
    out: list[str] = []
    for line in text.splitlines():
        if line.startswith(("----", "====")):
            continue
        out.append(line)
        words = line.split("#")[0].split()
        if words:
            scene.do(words[0], words[1:])
            out += scene.lines if words[0] != "settle" else []
            scene.lines.clear()
            if words[0] in ("run", "settle"):
                out.append(scene.holders())
    return "\n".join(out) + "\n"


class Scene:
    """One scenario under way."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.world = World(0, trace=self.happened)
        self.world.rng = Middle(0)
        self.world.counts = dict.fromkeys(COUNTED, 0)

    def happened(self, line: str) -> None:
        when, place, rest = line.split(maxsplit=2)
        self.lines.append(f"---- {float(when):.1f} {place}: {rest}".removesuffix(" []"))

    def holders(self) -> str:
        """Say who holds the addresses, with which lifetime."""
        held = [
            f"{node.place} ({'no limit' if node.kernel.lifetime_s == inf else f'{node.kernel.lifetime_s:g} s'})"
            for node in self.world.nodes
            if node.kernel.held
        ]
        return f"==== {self.world.now:.1f} held by {' and '.join(held) or 'nobody'}"

    def do(self, verb: str, words: list[str]) -> None:
        """Carry out one line."""
        world = self.world
        if verb == "nodes":
            self.nodes(dict(word.split("=") for word in words))
        elif verb in ("run", "settle"):
            world.run(world.now + float(words[0]))
        elif verb in ("cut", "heal", "filter", "unfilter"):
            senders = [Place(words[1])] if len(words) > 1 else list(Place)
            broken = world.cut if verb in ("cut", "heal") else world.filtered
            edit = broken.add if verb in ("cut", "filter") else broken.discard
            for sender in senders:
                edit((words[0], sender))
        elif verb == "keys":
            world.keys_differ = words == ["differ"]
        elif verb == "forge":
            world.forge(self.node(words[0]), 1.0, world.now + float(words[1]))
        elif verb == "block":
            self.node(words[0]).blocked_until = world.now + float(words[1])
        elif verb == "reload":
            node, values = self.node(words[0]), dict(word.split("=") for word in words[1:])
            keepalive_s, deadtime_s = float(values["keepalive"]), float(values["deadtime"])
            beat = replace(node.settings.heartbeat, keepalive_s=keepalive_s, deadtime_s=deadtime_s)
            node.reload(replace(node.settings, heartbeat=beat))
        else:
            for name in words:
                VERBS[verb](self.node(name))
        # Scenarios show what happens; the invariants are the simulation's, which knows what excuses what.
        world.check.changed_at = world.now

    def nodes(self, values: dict[str, str]) -> None:
        """Set up both routers."""
        deadtime_s = float(values.get("deadtime", 6))
        settings = ElectionSettings(
            place=Place.PRIMARY,
            paired="alone" not in values,
            paths=tuple(values.get("paths", "public").split(",")),
            heartbeat=HeartbeatSettings(
                keepalive_s=float(values.get("keepalive", 2)),
                deadtime_s=deadtime_s,
                initdead_s=float(values.get("initdead", 2 * deadtime_s)),
                warntime_s=deadtime_s / 2,
            ),
            monitor_links="monitor_links" in values,
            monitor_hosts="monitor_hosts" in values,
            vips=VipSettings(arp_count=2, arp_refresh_s=0, lease_s=int(values["lease"]) if "lease" in values else None),
        )
        self.world.add_nodes(settings, replace(settings, place=Place.BACKUP))

    def node(self, name: str) -> Node:
        """Return the router called `name`."""
        return self.world.nodes[0] if Place(name) is Place.PRIMARY else self.world.nodes[1]


def _ready(node: Node, ready: bool, *, impaired: bool = False) -> None:
    node.ready, node.impaired = ready, impaired
    node.report_lvsd(node.life)


def _failing(node: Node, failing: bool) -> None:
    node.failing = failing


def _without_lan(node: Node) -> None:
    node.lan_trouble = "public has no carrier"


def _force(node: Node) -> None:
    node.force_active = True
    node.start()


VERBS: dict[str, Callable[[Node], None]] = {
    "start": Node.start,
    "force": _force,
    "freeze": Node.freeze,
    "thaw": Node.thaw,
    "kill": lambda node: node.kill(False),
    "poweroff": lambda node: node.kill(True),
    "stop": lambda node: node.ask(Command.STOP),
    "switchover": lambda node: node.ask(Command.SWITCHOVER),
    "restart": lambda node: node.ask(Command.PREPARE_RESTART),
    "unready": lambda node: _ready(node, False),
    "ready": lambda node: _ready(node, True),
    "impaired": lambda node: _ready(node, False, impaired=True),
    "unplug": lambda node: node.set_link(False),
    "plug": lambda node: node.set_link(True),
    "silent": lambda node: node.set_silent(True),
    "answered": lambda node: node.set_silent(False),
    "nolan": _without_lan,
    "failing": lambda node: _failing(node, True),
    "works": lambda node: _failing(node, False),
}
