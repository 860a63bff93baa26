"""How much of what is served a new file takes away, for `change_limit`: a guard against half-written files."""

from piranha.dataclass import dataclass
from piranha.lvscf.config import Config, Virtual
from piranha.table.desired import service_keys
from piranha.table.service import ServiceKey

WEIGHT = "configured weight"  # among what was worked out of a virtual server
CURE = "if that is meant: piranha apply --allow mass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a change removes.

    virtuals, weight: how much there was; *_removed: how much of it goes. weight_lowered: how much of the weight goes
    although its servers stay.
    """

    virtuals: int
    virtuals_removed: int
    weight: int
    weight_removed: int
    weight_lowered: int = 0

    @property
    def percent(self) -> float:
        """The larger of both shares, 0 to 100."""
        return max(_percent(self.virtuals_removed, self.virtuals), _percent(self.weight_removed, self.weight))

    def over(self, limit_percent: float) -> bool:
        """Whether a change may not do that unless it is asked for by name."""
        return self.percent > limit_percent

    def __str__(self) -> str:
        lowered = f" ({self.weight_lowered} of it by lower weights of servers that stay)" if self.weight_lowered else ""
        return (
            f"{self.virtuals_removed} of {self.virtuals} active virtual servers and "
            f"{self.weight_removed} of {self.weight} configured weight{lowered}"
        )


def removal(before: Config, after: Config) -> Removal:
    """Return what `after` takes away from what `before` serves.

    A virtual server has gone when neither its name nor any of its services is in `after`: a new name
    or a new address alone removes nothing. Weight is that of active servers of active virtual
    servers, and what one virtual server loses on balance counts: servers that are replaced by others
    of the same weight remove nothing, and what one virtual server gains makes up for no other. A lower
    weight takes away as well: what is left of the file serves less.
    """
    later = after.active_virtuals()
    by_name = {virtual.name: virtual for virtual in later}
    by_service: dict[ServiceKey, Virtual] = {}  # wanted only where a name has gone
    gone = lost = lowered = total = 0
    earlier = before.active_virtuals()
    for virtual in earlier:
        weight = _weight(virtual)
        total += weight
        heir = by_name.get(virtual.name)
        if heir is virtual:
            continue
        if heir is None:
            by_service = by_service or {key: one for one in later for key in service_keys(one)}
            heir = next((by_service[key] for key in service_keys(virtual) if key in by_service), None)
        gone += heir is None
        loss = max(0, weight - (_weight(heir) if heir is not None else 0))
        lost += loss
        lowered += min(loss, _lowered(virtual, heir)) if heir is not None and loss else 0
    return Removal(
        virtuals=len(earlier), virtuals_removed=gone, weight=total, weight_removed=lost, weight_lowered=lowered
    )


def refusal(before: Config, after: Config) -> str:
    """Return why a reload may not replace `before` by `after`, in one line with the numbers; empty when it may.

    The limit is that of `before`: a half-written file may have lost its own.
    """
    found, limit = removal(before, after), before.change.limit_percent
    if not found.over(limit):
        return ""
    return f"it would remove {found}: over change_limit = {limit:g}%; {CURE}"


def _weight(virtual: Virtual) -> int:
    known: int | None = virtual.worked_out.get(WEIGHT)
    if known is None:
        known = virtual.worked_out[WEIGHT] = sum(server.weight for server in virtual.servers if server.active)
    return known


def _lowered(before: Virtual, after: Virtual) -> int:
    """Return what servers lose that stay, by name or by place."""
    named = {server.name: server.weight for server in after.servers if server.active}
    placed = {(server.address, server.port): server.weight for server in after.servers if server.active}
    found = 0
    for server in before.servers:
        later = named.get(server.name, placed.get((server.address, server.port)))
        if server.active and later is not None:
            found += max(0, server.weight - later)
    return found


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
