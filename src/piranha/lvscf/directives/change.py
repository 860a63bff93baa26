"""Keywords about changes of the file itself."""

from piranha.lvscf.directives.directive import Directive, Scope, Type

_G = (Scope.GLOBAL,)

CHANGE: tuple[Directive, ...] = (
    Directive(
        name="change_limit",
        scopes=_G,
        type=Type.PERCENT,
        default="50%",
        meaning="A reload that would remove more than this share of the active virtual servers or of the configured "
        "weight is refused, unless `piranha apply --allow mass` asks for it. Weights that are lowered count as well; "
        "what a virtual server loses is counted on balance. A guard against an empty or half-written file. The limit "
        "of the file in force counts.",
    ),
    Directive(
        name="confirm_time",
        scopes=_G,
        type=Type.DURATION,
        default="60",
        unit="s",
        low=1,
        high=86400,
        meaning="How long `piranha apply --confirm` waits for `piranha confirm` before it goes back by itself.",
    ),
    Directive(
        name="config_sync",
        scopes=_G,
        type=Type.CHOICE,
        choices=("both", "external"),
        default="both",
        meaning="external: another tool writes the file, and Piranha never does: `apply`, `set`, `edit` and `rollback` "
        "refuse; `plan` and reload work. both: they write it, on this router only until routers can hand each other "
        "files.",
    ),
)
