"""What differs between two readings of a file, found without comparing: what did not change is one object in both."""

from dataclasses import replace

from piranha.lvscf.config import Config


def apart(before: Config, after: Config) -> tuple[Config, Config]:
    """Return both without the virtual servers that they share (see `Loaded.sharing`).

    Two active virtual servers never have a service in common, so what comes of the others does not depend on
    those that are left out.
    """
    shared = {id(virtual) for virtual in before.virtuals} & {id(virtual) for virtual in after.virtuals}
    return without(before, shared), without(after, shared)


def without(config: Config, left_out: set[int]) -> Config:
    """Return `config` without the virtual servers of these identities."""
    return replace(config, virtuals=tuple(one for one in config.virtuals if id(one) not in left_out))
