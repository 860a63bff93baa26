"""What the election must know: the part of lvs.cf that concerns it, and how this process began."""

from dataclasses import dataclass, field

from piranha.lvscf.config import Config, HeartbeatSettings, VipSettings, meaning
from piranha.pulse.actions import Resume
from piranha.pulse.heartbeat import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionSettings:
    """Settings in force; a reload gives a new value to `Election.reconfigure`.

    paired: `backup_active`; False = a lone router that neither sends nor waits. paths: names.
    generation, meaning: of the accepted configuration, told to the partner.
    """

    place: Place
    paired: bool = True
    paths: tuple[str, ...] = ("public",)
    heartbeat: HeartbeatSettings = field(default_factory=HeartbeatSettings)
    vips: VipSettings = field(default_factory=VipSettings)
    generation: int = 0
    meaning: str = ""

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
