"""Findings about connection synchronisation."""

from piranha.lvscf.built import Built
from piranha.lvscf.config import Config, Standby
from piranha.lvscf.diagnostics import Findings
from piranha.terms import PRIVATE, PUBLIC

HIGHEST_ID = 255


def check_sync(built: Built, findings: Findings) -> None:
    """Add what is wrong with syncdaemon and what belongs to it."""
    section, config = built.section, built.config
    sync = config.kernel.sync
    if sync is None:
        return
    routers = [router for router in (config.primary, config.backup) if router is not None]
    if sync.device == PRIVATE and any(router.private is None for router in routers):
        message = "device 'private', but a router has no private address"
        findings.add("E039", section.place("syncd_iface"), message, "primary_private, and backup_private of a pair")
    if _is_public(sync.device, config):
        place, hint = (
            section.place("syncd_iface", "syncdaemon"),
            "syncd_iface = private, or a cable between the routers",
        )
        message = f"connections are synchronised on '{sync.device}', where clients come in: not signed, not encrypted"
        findings.add("W088", place, message, hint)
    given = section.value("syncd_id", int)
    if given != sync.sync_id:
        message = f"syncd_id {given} is taken for {sync.sync_id}: only its last 8 bits count, as ever"
        findings.add("W087", section.place("syncd_id"), message, f"a number from 0 to {HIGHEST_ID}")
    if config.backup_active and config.standby is Standby.COLD:
        message = "syncdaemon has no effect with standby = cold: a cold standby takes no connections in"
        findings.add("W026", section.place("syncdaemon"), message, "standby = warm")


def _is_public(device: str, config: Config) -> bool:
    """Whether clients come in there: it has a VIP, and is not that of the real servers."""
    vips = {virtual.vip.device for virtual in config.active_virtuals()}
    inner = {gateway.device for gateway in config.gateways().values()}
    return device == PUBLIC or (device in vips and device not in {PRIVATE, *inner})
