"""What differs between two readings of a file, virtual server by virtual server."""

from collections.abc import Collection
from dataclasses import replace

from piranha.lvscf.config import Config


def apart(before: Config, after: Config) -> tuple[Config, Config]:
    """Return both without the virtual servers that mean the same in both, wherever they stand.

    Two active virtual servers never have a service in common, so what comes of the others does not depend on
    those that are left out.
    """
    common = {virtual.meaning for virtual in before.virtuals} & {virtual.meaning for virtual in after.virtuals}
    return without(before, common), without(after, common)


def without(config: Config, left_out: Collection[str]) -> Config:
    """Return `config` without the virtual servers of these meanings."""
    if not left_out:
        return config  # what they mean takes a while to find out
    return replace(config, virtuals=tuple(one for one in config.virtuals if one.meaning not in left_out))
