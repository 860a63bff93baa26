"""The tour finds what a cluster does wrong: a cluster of numbers, wrong in one thing at a time."""

import asyncio
from ipaddress import ip_address
from itertools import cycle
from math import inf

import pytest

from piranha.cli.demo.cast import Cast
from piranha.cli.demo.counts import Counts, Outcome
from piranha.cli.demo.picture import Happening, Picture, in_pool
from piranha.cli.demo.tour import Tour

pytestmark = pytest.mark.slow

CAST = Cast(
    routers=("primary", "backup"),
    servers=("web1", "web2"),
    keepalive_s=0.01,
    deadtime_s=0.1,
    timeout_s=0.05,
    reentry_s=0.05,
    lease_bound_s=0.05,
    refresh_s=0.01,
    slack_s=0.2,
    patience_s=0.2,
    settle_s=0.05,
    switch_s=0.02,
    start_s=0.2,
    tour_s=20.0,
)


class Cluster:
    """Does at once what a real one does in its time; `wrong` names the one thing that it does not do right."""

    cast = CAST

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong
        self.picture = Picture(CAST, ip_address("127.44.7.10"))
        self.counts = Counts()
        self.weights: dict[str, int | None] = {}
        self.states: dict[str, str] = {}

    def start_server(self, name: str) -> None:
        self._weigh(name, 1)

    def kill_server(self, name: str) -> None:
        if self.wrong != "keeps a dead server":
            self._weigh(name, None)

    def server_runs(self, name: str) -> bool:
        return True

    def start_pulse(self, name: str) -> None:
        self.states[name] = "ended with status 1" if self.wrong == "ends" else "runs"
        if len(self.states) == 2 and self.wrong != "never begins":
            self._role("primary", "active")
            self._role("backup", "standby")

    def kill_pulse(self, name: str) -> None:
        raise AssertionError("not in the tour")

    def freeze_pulse(self, name: str) -> None:
        self.states[name] = "frozen"
        router = self.picture.routers[name]
        router.pulse.answered_s = -inf
        if self.wrong == "two holders":
            self.picture.two_holders_s.append(inf)
        router.holds = router.listening = self.wrong == "keeps its VIP"
        if self.wrong != "no takeover":
            self._role(CAST.partner(name), "active")

    def thaw_pulse(self, name: str) -> None:
        self.states[name] = "runs"
        self._role(name, "standby")
        if self.wrong == "renews back to life":
            self.picture.routers[name].holds = True

    def pulse_state(self, name: str) -> str:
        return self.states[name]

    def last_words(self, name: str) -> str:
        return "pulse: the port is in use"

    async def switch_over(self, name: str) -> None:
        if self.wrong != "does not switch over":
            self._role(name, "standby")
            if self.wrong == "switches over slowly":
                await asyncio.sleep(CAST.deadtime_s)
            self._role(CAST.partner(name), "active")

    def start_client(self) -> None:
        self.client = asyncio.create_task(self._send())

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        for number, name in enumerate(cycle(CAST.servers)):
            serves = in_pool(self.picture.servers(loop.time()).get(name))
            fails = not self.picture.holders() or (self.wrong == "fails at times" and number % 9 == 8)
            if serves:
                self.counts.add(Outcome(loop.time(), "" if fails else name, "refused" if fails else ""))
            await asyncio.sleep(0.005)

    def _role(self, name: str, role: str) -> None:
        router = self.picture.routers[name]
        router.pulse.status = {"role": role, "ready": True, "since_s": 1.0}
        router.pulse.answered_s = router.lvsd.answered_s = inf
        router.holds = router.listening = role == "active"
        router.remaining_s = 1.0

    def _weigh(self, name: str, weight: int | None) -> None:
        self.weights[name] = weight
        servers = [{"name": name, "weight": weight} for name, weight in self.weights.items()]
        for router in self.picture.routers.values():
            router.lvsd.status = {"virtuals": [{"servers": servers}]}


async def tour_of(cluster: Cluster) -> tuple[bool, list[str], str]:
    """Whether the tour was content, what it held against the cluster, and all that it said."""
    said: list[str] = []
    tour = Tour("A cluster of numbers.", cluster, cluster.picture, cluster.counts, cluster.start_client, said.append)
    cluster.picture.story.append(Happening(0.0, "primary", "lvsd", "www/web2", "down", "fall = 2", "refused"))
    good = await tour.run()
    if hasattr(cluster, "client"):
        cluster.client.cancel()
    return good, tour.problems, "\n".join(said)


def test_a_cluster_that_does_what_it_must_passes_all_six_steps() -> None:
    good, problems, said = asyncio.run(tour_of(Cluster()))
    assert (good, problems) == (True, [])
    assert said.count("  requests  ") == 6
    assert "www/web2: down (refused; fall = 2)" in said
    assert "everything as it must be" in said


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("never begins", "one router is active, its partner stands ready, within 0.4 s"),
        ("ends", "pulse on primary goes on: it ended with status 1: pulse: the port is in use"),
        ("keeps a dead server", "web2 has left the pool"),
        ("keeps its VIP", "the VIP has left primary"),
        ("no takeover", "backup holds the VIP"),
        ("two holders", "never two holders: seen 1 times"),
        ("renews back to life", "backup alone holds the VIP"),
        ("does not switch over", "primary holds the VIP"),
        ("switches over slowly", "a planned switchover is felt for less than 0.0"),
        ("fails at times", "no request failed"),
    ],
)
def test_what_is_wrong_is_said_and_fails_the_tour(wrong: str, problem: str) -> None:
    good, problems, said = asyncio.run(tour_of(Cluster(wrong)))
    assert not good
    assert any(problem in found for found in problems), problems
    assert "NOT as it must be" in said
