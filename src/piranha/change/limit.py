"""How much of what is served a new file takes away, for `change_limit`: a guard against half-written files."""

from dataclasses import dataclass

from piranha.lvscf.config import Config, Virtual
from piranha.table.desired import service_keys
from piranha.table.service import ServiceKey

CURE = "if that is meant: piranha apply --allow mass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a change removes. virtuals, weight: how much there was; *_removed: how much of it goes."""

    virtuals: int
    virtuals_removed: int
    weight: int
    weight_removed: int

    @property
    def percent(self) -> float:
        """The larger of both shares, 0 to 100."""
        return max(_percent(self.virtuals_removed, self.virtuals), _percent(self.weight_removed, self.weight))

    def over(self, limit_percent: float) -> bool:
        """Whether a change may not do that unless it is asked for by name."""
        return self.percent > limit_percent

    def __str__(self) -> str:
        return (
            f"{self.virtuals_removed} of {self.virtuals} active virtual servers and "
            f"{self.weight_removed} of {self.weight} configured weight"
        )


def removal(before: Config, after: Config) -> Removal:
    """Return what `after` takes away from what `before` serves.

    A virtual server has gone when neither its name nor any of its services is in `after`: a new name
    or a new address alone removes nothing. Weight is that of active servers of active virtual
    servers, and what one virtual server loses on balance counts: servers that are replaced by others
    of the same weight remove nothing, and what one virtual server gains makes up for no other.
    """
    later = after.active_virtuals()
    by_name = {virtual.name: virtual for virtual in later}
    by_service: dict[ServiceKey, Virtual] = {}  # wanted only where a name has gone
    gone = lost = total = 0
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
        lost += max(0, weight - (_weight(heir) if heir is not None else 0))
    return Removal(virtuals=len(earlier), virtuals_removed=gone, weight=total, weight_removed=lost)


def refusal(before: Config, after: Config) -> str:
    """Return why a reload may not replace `before` by `after`, in one line with the numbers; empty when it may.

    The limit is that of `before`: a half-written file may have lost its own.
    """
    found, limit = removal(before, after), before.change.limit_percent
    if not found.over(limit):
        return ""
    return f"it would remove {found}: over change_limit = {limit:g}%; {CURE}"


def _weight(virtual: Virtual) -> int:
    return sum(server.weight for server in virtual.servers if server.active)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
