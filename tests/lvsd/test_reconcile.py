"""One pass over the table: what is done, what others did, what is refused, all in words."""

import errno
from dataclasses import replace
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel, FakePlane, refuses_at_random, refuses_nothing
from tests.properties import examples

from piranha.events.event import Event, Level
from piranha.forwarding.plane import Plane
from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.lvscf.config import (
    Config,
    FloatingAddress,
    ForeignEdits,
    LvsdSettings,
    RealServer,
    Router,
    Virtual,
)
from piranha.lvsd.reconcile import Reconciler
from piranha.lvsd.together import ONE_BY_ONE
from piranha.table.changes import AddService, Change, EditDestination, EditService, RemoveDestination, RemoveService
from piranha.table.desired import ServerVerdict, Verdicts, desired
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import ForwardingMethod, Protocol, Scheduler, Tunnel, TunnelType

NAT = ForwardingMethod.NAT
VIP = FloatingAddress(address=ip_address("192.0.2.10"), prefix=32)
WWW = ServiceKey(AddressMatch(Protocol.TCP, VIP.address, 80))
TIMING = CheckTiming(interval_s=2, check_timeout_s=2, fast_interval_s=2)


def real(number: int) -> RealServer:
    address = ip_address("10.0.0.0") + number
    return RealServer(
        name=f"web{number}", address=address, port=80, forwarding=NAT, check=Exchange(), timing=TIMING, active=True
    )


def www(*servers: RealServer, scheduler: Scheduler = Scheduler.WLC, name: str = "www", port: int = 80) -> Virtual:
    return Virtual(
        name=name, active=True, vip=VIP, port=port, protocols=(Protocol.TCP,), servers=servers, scheduler=scheduler
    )


def config(*virtuals: Virtual) -> Config:
    repair = LvsdSettings(foreign_edits=ForeignEdits.REPAIR)
    return Config(primary=Router(public=ip_address("192.0.2.2")), virtuals=virtuals, lvsd=repair)


def at(number: int) -> DestinationKey:
    return DestinationKey(ip_address("10.0.0.0") + number, 80)


def all_up(file: Config) -> Verdicts:
    return {(v.name, s.name): ServerVerdict.UP for v in file.virtuals for s in v.servers}


class Passes:
    """A reconciler on a plane: each call is one pass, as the daemon makes it."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.reconciler = Reconciler()

    def __call__(
        self, file: Config, verdicts: Verdicts | None = None, ours: set[ServiceKey] | None = None
    ) -> list[Event]:
        verdicts = all_up(file) if verdicts is None else verdicts
        plan = self.reconciler.prepare(file, verdicts, self.plane.dump(), ours or {WWW})
        refusals = self.plane.apply(plan.changes)
        left = plan.wanted if not refusals else self.plane.dump()
        return self.reconciler.done(plan, refusals, left, now=1.0)


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.subject, event.message) for event in events]


def test_the_first_pass_loads_the_table_and_says_so_in_the_originals_words() -> None:
    assert told(Passes(FakePlane())(config(www(real(1))))) == [
        ("www", "starting virtual service www active: 80"),
        ("www/web1", "server 10.0.0.1:80 added to the table"),
    ]


def test_a_pass_without_cause_does_nothing_and_says_nothing() -> None:
    kernel = FakeKernel()
    passes = Passes(FakePlane(kernel))
    passes(config(www(real(1))))
    done = len(kernel.history)
    assert passes(config(www(real(1)))) == []
    assert len(kernel.history) == done


def test_a_server_that_went_down_is_taken_out_without_being_called_a_repair() -> None:
    passes = Passes(FakePlane())
    file = config(www(real(1), real(2)))
    passes(file)
    events = passes(file, {**all_up(file), ("www", "web1"): ServerVerdict.DOWN})
    assert told(events) == [("www/web1", "server 10.0.0.1:80 removed from the table")]
    assert events[0].before == "nat weight 1"


def test_settings_are_edited_in_place() -> None:
    passes = Passes(FakePlane())
    passes(config(www(real(1))))
    [event] = passes(config(www(real(1), scheduler=Scheduler.SED)))
    assert (event.message, event.before, event.after) == ("virtual service www edited in place", "wlc", "sed")


def test_what_is_edited_is_seen_although_the_scheduler_and_the_weight_stay() -> None:
    passes = Passes(FakePlane())
    plain = www(real(1), scheduler=Scheduler.MH)
    limited = replace(plain, scheduler_flags=2, servers=(replace(real(1), upper_threshold=9),))
    passes(config(plain))
    service, server = passes(config(limited))
    assert (service.before, service.after) == ("mh", "mh flags mh-port")
    assert (server.before, server.after) == ("nat weight 1", "nat weight 1 upper_threshold 9")


def test_a_service_that_left_the_file_is_named_as_it_was() -> None:
    passes = Passes(FakePlane())
    passes(config(www(real(1))))
    assert told(passes(config())) == [("www", "shutting down virtual service www")]


def changed_by_hand(*changes: Change) -> list[Event]:
    """What is said of the first pass after somebody else made these changes."""
    plane = FakePlane()
    passes = Passes(plane)
    file = config(www(real(1), real(2)))
    passes(file)
    before = plane.dump()
    assert plane.apply(changes) == []
    events = passes(file)
    assert plane.dump() == before
    return events


def test_a_weight_set_by_hand_is_repaired_and_named() -> None:
    [event] = changed_by_hand(EditDestination(WWW, at(1), Destination(forwarding=NAT, weight=9)))
    assert (event.subject, event.message, event.level) == ("www/web1", "table repaired", Level.WARNING)
    assert event.cause.endswith("server 10.0.0.1:80 of tcp 192.0.2.10:80: weight was 9, is 1 again")


def test_settings_changed_by_hand_are_named_in_words() -> None:
    sticky = ServiceSettings(scheduler="mh", scheduler_flags=1, persistence_s=60, persistence_mask=0xFFFFFF00)
    gue = Tunnel(type=TunnelType.GUE, port=6080)
    tunnelled = Destination(forwarding=ForwardingMethod.TUNNEL, tunnel=gue)
    service, server = changed_by_hand(EditService(WWW, sticky), EditDestination(WWW, at(1), tunnelled))
    assert service.cause.endswith(
        "scheduler was mh, is wlc again, scheduler_flags was mh-fallback, is none again, "
        "persistence was 60, is 0 again, persistence_mask was 255.255.255.0, is none again"
    )
    assert server.cause.endswith("forwarding was tunnel, is nat again, tunnel was gue port 6080, is ipip again")


def test_a_server_removed_by_hand_is_put_back_and_named() -> None:
    [event] = changed_by_hand(RemoveDestination(WWW, at(2)))
    assert (event.subject, event.message) == ("www/web2", "table repaired")


def test_a_service_removed_by_hand_is_one_repair_not_one_for_each_server() -> None:
    assert [event for event in told(changed_by_hand(RemoveService(WWW))) if event[1] == "table repaired"] == [
        ("www", "table repaired")
    ]


def test_what_lay_there_at_the_start_is_nobodys_edit() -> None:
    plane = FakePlane()
    Passes(plane)(config(www(real(1), real(2))))
    events = Passes(plane)(config(www(real(1))), {})
    assert "table repaired" not in [event.message for event in events]


def test_what_lay_there_at_the_start_and_does_not_stay_is_a_warning_with_its_cause() -> None:
    plane = FakePlane()
    file = config(www(real(1), real(2)))
    Passes(plane)(file)
    plane.apply([EditDestination(WWW, at(1), Destination(forwarding=NAT, weight=9))])
    [event] = Passes(plane)(file)
    assert (event.subject, event.before, event.after) == ("www/web1", "nat weight 9", "nat weight 1")
    assert (event.level, event.cause) == (Level.WARNING, "it lay in the table when lvsd started")


def test_a_refused_service_is_said_once_and_its_servers_are_not_said_at_all() -> None:
    def refuse(change: Change) -> int:
        return errno.ENOENT if isinstance(change, AddService) and change.settings.scheduler == "twos" else 0

    plane = FakePlane(FakeKernel(refuse=refuse))
    passes = Passes(plane)
    odd = www(real(1), real(2), scheduler=Scheduler.TWOS, name="odd", port=81)
    file = config(odd, www(real(1)))
    refused = [event for event in passes(file) if event.after == "refused"]
    assert told(refused) == [("odd", "ipvsadm failed for virtual server odd!")]
    assert refused[0].cause
    assert WWW in plane.dump()
    assert passes(file) == []
    assert len(passes.reconciler.refused) == 1


def test_what_is_no_longer_refused_is_said_too() -> None:
    kernel = FakeKernel(refuse=lambda _: errno.ENOMEM)
    passes = Passes(FakePlane(kernel))
    passes(config(www(real(1))))
    kernel.refuse = refuses_nothing
    events = passes(config(www(real(1))))
    assert ("www", "change of the table no longer refused") in told(events)
    assert passes.reconciler.refused == []


def test_many_servers_at_once_are_counted_not_listed() -> None:
    passes = Passes(FakePlane())
    [start] = passes(config(www(*map(real, range(1, ONE_BY_ONE + 3)))))
    assert start.message == "starting virtual service www active: 80"
    assert dict(start.facts)["added"] == str(ONE_BY_ONE + 2)

    [change] = passes(config(www(real(1))))
    assert (change.subject, change.message) == ("www", "servers of the table changed")
    assert dict(change.facts)["removed"] == str(ONE_BY_ONE + 1)


def edited_by_a_script(services: int, servers: int) -> list[Event]:
    """What is said of the first pass after somebody set the weights of all servers."""
    plane = FakePlane()
    passes = Passes(plane)
    first = www(*map(real, range(1, servers + 1)))
    file = config(*(replace(first, name=f"www{port}", port=port) for port in range(1, services + 1)))
    passes(file)
    nine = Destination(forwarding=NAT, weight=9)
    plane.apply([EditDestination(key, where, nine) for key, one in plane.dump().items() for where in one.destinations])
    return passes(file)


def test_many_repairs_are_told_for_each_service() -> None:
    one, other = edited_by_a_script(2, ONE_BY_ONE)
    assert (one.subject, one.message, one.level) == ("www1", "table repaired", Level.WARNING)
    assert one.cause.endswith("server 10.0.0.1:80 of tcp 192.0.2.10:1: weight was 9, is 1 again")
    assert one.facts == (("service", "tcp 192.0.2.10:1"), ("entries", "100"), ("first", "www1/web1"))
    assert other.subject == "www2"


def test_repairs_of_many_services_are_one_line() -> None:
    [event] = edited_by_a_script(ONE_BY_ONE + 1, 2)
    assert (event.subject, event.message, event.level) == ("table", "table repaired", Level.WARNING)
    assert event.facts == (("services", "101"), ("entries", "202"), ("first", "www1/web1"))


@examples(40)
@given(st.integers(), st.lists(st.lists(st.integers(1, 4), unique=True, max_size=4), min_size=1, max_size=4))
def test_whatever_is_refused_on_the_way_the_next_good_pass_ends_right(seed: int, files: list[list[int]]) -> None:
    kernel = FakeKernel(refuse=refuses_at_random(seed))
    plane = FakePlane(kernel)
    passes = Passes(plane)
    for numbers in files:
        file = config(replace(www(*map(real, numbers)), scheduler=Scheduler.RR))
        passes(file)
    kernel.refuse = refuses_nothing
    passes(file)
    assert plane.dump() == desired(file, all_up(file), plane.dump(), ())
    assert passes.reconciler.refused == []
    assert passes(file) == []
