"""Which virtual servers a standby must leave out of its table, since it would balance their packets a second time.

A router that is itself a real server under direct routing or tunnelling gets packets for the VIP from the active
router. The kernel of a standby that takes connections in with backup_only = 1 leaves them alone; any other balances
them again, and may send them back.
"""

from piranha.dataclass import replace
from piranha.lvscf.config import Config
from piranha.terms import ForwardingMethod


def balanced_twice(config: Config, node: str) -> frozenset[str]:
    """Return the virtual servers of which router `node` (`primary`, `backup`) is a real server of that kind."""
    router = {"primary": config.primary, "backup": config.backup}.get(node)
    if router is None:
        return frozenset()
    own = {router.public, router.private} - {None}
    return frozenset(
        virtual.name
        for virtual in config.active_virtuals()
        for server in virtual.servers
        if server.active and server.address in own and server.forwarding is not ForwardingMethod.NAT
    )


def switched_off(config: Config, names: frozenset[str]) -> Config:
    """Return the file as if these virtual servers were switched off."""
    if not names:
        return config
    virtuals = tuple(replace(one, active=False) if one.name in names else one for one in config.virtuals)
    return replace(config, virtuals=virtuals)
