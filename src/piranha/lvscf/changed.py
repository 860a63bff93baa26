"""What differs between two readings of a file, virtual server by virtual server."""

from collections.abc import Collection, Iterable

from piranha.dataclass import replace
from piranha.lvscf.config import Config, Virtual


def apart(before: Config, after: Config) -> tuple[Config, Config]:
    """Return both without the virtual servers that mean the same in both, wherever they stand.

    Two active virtual servers never have a service in common, so what comes of the others does not depend on
    those that are left out.
    """
    # Of a file that is read again most are the same objects.
    shared = {id(one) for one in before.virtuals} & {id(one) for one in after.virtuals}
    old, new = ([one for one in file.virtuals if id(one) not in shared] for file in (before, after))
    common = {one.meaning for one in old} & {one.meaning for one in new}
    return _of(before, old, common), _of(after, new, common)


def _of(config: Config, virtuals: Iterable[Virtual], left_out: Collection[str]) -> Config:
    return replace(config, virtuals=tuple(one for one in virtuals if one.meaning not in left_out))
