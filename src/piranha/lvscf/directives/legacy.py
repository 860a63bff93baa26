"""Keywords of the original that have no effect here, each with what to do instead."""

from piranha.lvscf.directives.directive import Directive, Scope, Status, Type


def _none(
    name: str, kind: Type, meaning: str, instead: str, *, scope: Scope = Scope.GLOBAL, quiet: tuple[str, ...] = ()
) -> Directive:
    return Directive(
        name=name,
        scopes=(scope,),
        type=kind,
        default="-",
        meaning=meaning,
        instead=instead,
        status=Status.NO_EFFECT,
        old=True,
        quiet=quiet,
    )


FAILOVER_INSTEAD = "failover services are gone; a cluster manager such as Pacemaker does that"
_REJECTED = "the original refused it too; remove it"

LEGACY: tuple[Directive, ...] = (
    Directive(
        name="service",
        scopes=(Scope.GLOBAL,),
        type=Type.CHOICE,
        default="lvs",
        choices=("lvs", "fos"),
        old=True,
        status=Status.NO_EFFECT,
        quiet=("lvs",),
        meaning="Which kind of block is used. Always lvs.",
        instead=FAILOVER_INSTEAD,
    ),
    Directive(
        name="heartbeat",
        scopes=(Scope.GLOBAL,),
        type=Type.BOOL,
        default="-",
        old=True,
        status=Status.NO_EFFECT,
        quiet=("1",),
        meaning="Never had an effect.",
        instead="backup_active decides whether there are two routers",
    ),
    _none("primary_shared", Type.WORD, "Shared disk of failover services.", FAILOVER_INSTEAD),
    _none("backup_shared", Type.WORD, "Shared disk of failover services.", FAILOVER_INSTEAD),
    Directive(
        name="reservation_conflict_action",
        scopes=(Scope.GLOBAL,),
        type=Type.CHOICE,
        default="-",
        choices=("nothing", "preempt"),
        old=True,
        status=Status.NO_EFFECT,
        meaning="Shared disk of failover services.",
        instead=FAILOVER_INSTEAD,
    ),
    _none("sync", Type.BOOL, "Was never made.", "copy the file to the partner", quiet=("0",)),
    _none("ipvsadm", Type.WORD, "Path of a tool.", "the table is written through netlink; remove it"),
    _none("debug_level", Type.WORD, "Never had an effect.", "use the -v option of the daemons", quiet=("NONE",)),
    _none("client_monitor", Type.WORD, "Path of the checker.", "use send_program", scope=Scope.VIRTUAL),
    _none("start_cmd", Type.COMMAND, "Start of a failover service.", FAILOVER_INSTEAD, scope=Scope.VIRTUAL),
    _none("stop_cmd", Type.COMMAND, "Stop of a failover service.", FAILOVER_INSTEAD, scope=Scope.VIRTUAL),
    _none("master", Type.ADDRESS, "Never had an effect.", "remove it", scope=Scope.VIRTUAL),
    _none("dirs", Type.OLD_LIST, "Never had an effect.", "remove it", scope=Scope.VIRTUAL),
    *(
        Directive(
            name=name,
            scopes=(scope,),
            type=Type.ANYTHING,
            default="-",
            old=True,
            status=Status.REJECTED,
            meaning="The web tool of the original could write it, the daemons refused it.",
            instead=_REJECTED,
        )
        for name, scope in (
            ("expect_program", Scope.VIRTUAL),
            ("nmask", Scope.SERVER),
            ("heartbeat", Scope.FAILOVER),
        )
    ),
)
