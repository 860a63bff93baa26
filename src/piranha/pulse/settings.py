"""What the election must know: the part of lvs.cf that concerns it, and how this process began."""

from dataclasses import dataclass, field

from piranha.lvscf.config import Config, HeartbeatSettings, Standby, VipSettings, meaning
from piranha.pulse.actions import Resume
from piranha.pulse.heartbeat import Place

COLD_START_S = 10.0
"""Longest wait of a cold standby for its table; as long as the original waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionSettings:
    """Settings in force; a reload gives a new value to `Election.reconfigure`.

    paired: `backup_active`; False = a lone router that neither sends nor waits. paths: names.
    generation, meaning: of the accepted configuration, told to the partner. table_within_s: how long
    a takeover may wait for the lvs daemon on top of its patience: a cold standby starts it first.
    monitor_links: a watched link that carries nothing makes this router not ready. monitor_hosts: there are
    lines of hosts, one of each must answer ping. failback_s: the backup hands over to a primary that has been
    ready for so long; None = never.
    """

    place: Place
    paired: bool = True
    paths: tuple[str, ...] = ("public",)
    heartbeat: HeartbeatSettings = field(default_factory=HeartbeatSettings)
    vips: VipSettings = field(default_factory=VipSettings)
    generation: int = 0
    meaning: str = ""
    table_within_s: float = 0.0
    monitor_links: bool = False
    monitor_hosts: bool = False
    failback_s: float | None = None

    @classmethod
    def of(cls, config: Config, place: Place, generation: int = 0) -> "ElectionSettings":
        """Return what `config` says for the router at `place`."""
        return cls(
            place=place,
            paired=config.backup_active,
            paths=tuple(path.name for path in config.heartbeat.paths),
            heartbeat=config.heartbeat,
            vips=config.vips,
            generation=generation,
            meaning=meaning(config),
            table_within_s=COLD_START_S if config.standby is Standby.COLD else 0.0,
            monitor_links=config.monitor_links,
            monitor_hosts=bool(config.monitor_hosts),
            failback_s=config.failback_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How this process began.

    now: monotonic seconds. machine_booted: no `pulse` ran before on this machine since it booted
    (then `initdead` applies, else `deadtime`). term: the highest term stored here, 0 = none.
    holding: floating addresses were found on this router. resume: left by a prepared restart.
    force_active: `--forceactive`.
    """

    now: float
    machine_booted: bool = False
    term: int = 0
    holding: bool = False
    resume: Resume | None = None
    force_active: bool = False
