"""What the kernel refuses of the file in force is told as refused, and not as the work of somebody else."""

from tests.change.configs import all_up, config, server, table_of, virtual

from piranha.change.plan import Plan, plan
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_named import VS
from piranha.lvscf.kernel_values import KernelSettings
from piranha.table.changes import AddDestination, AddService, EditDestination
from piranha.table.desired import services_of
from piranha.table.table import Service, Table
from piranha.table.targets import Target

FILE = config(virtual("www", 10, server("web1", 1), server("web2", 2)), virtual("smtp", 11, server("mx1", 5)))
WWW, SMTP = services_of(FILE)
CONNTRACK = f"{VS}conntrack"


def planned(live: Table, refused: dict[Target, str], after: Config = FILE) -> Plan:
    return plan(FILE, after, live, verdicts=all_up(FILE), ours=[WWW, SMTP], refused=refused)


def test_a_service_that_the_kernel_refuses_is_told_with_its_reason_and_not_as_changed_by_somebody_else() -> None:
    live = table_of(FILE)
    made = planned({WWW: live[WWW]}, {(SMTP, None): "no such scheduler (ENOENT)"})
    [line] = made.refused
    assert (line.subject, line.effect) == ("smtp", "no such scheduler (ENOENT)")
    assert [type(change) for change in line.changes] == [AddService, AddDestination]
    assert (made.empty, made.drift) == (True, ())


def test_a_server_that_the_kernel_refuses_stands_beside_what_somebody_else_changed() -> None:
    live = table_of(FILE)
    web1, web2 = live[WWW].destinations
    rest = {where: one for where, one in live[WWW].destinations.items() if where == web1}
    live = {**live, WWW: Service(live[WWW].settings, rest), SMTP: Service(live[SMTP].settings, {})}
    made = planned(live, {(WWW, web2): "out of memory (ENOMEM)"})
    assert [(line.subject, line.effect) for line in made.refused] == [("www/web2", "out of memory (ENOMEM)")]
    assert [line.subject for line in made.drift] == ["smtp/mx1"]


def test_what_the_new_file_changes_of_it_is_a_line_of_the_file() -> None:
    live = table_of(FILE)
    heavy = config(virtual("www", 10, server("web1", 1, weight=9), server("web2", 2)), *FILE.virtuals[1:])
    [web1, _] = live[WWW].destinations
    made = planned(live, {(WWW, web1): "out of memory (ENOMEM)"}, heavy)
    assert made.refused == ()
    assert [type(change) for line in made.lines for change in line.changes] == [EditDestination]


def test_a_setting_that_the_kernel_refuses_is_told_with_its_reason_too() -> None:
    file, live = config(*FILE.virtuals, kernel=KernelSettings(vs=(("conntrack", "1"),))), table_of(FILE)
    for refused, group in (({}, "drift"), ({CONNTRACK: "it has no such setting"}, "refused")):
        made = plan(file, file, live, verdicts=all_up(FILE), kernel={CONNTRACK: "0"}, refused_settings=refused)
        found = {"drift": made.drift, "refused": made.refused}
        [line] = found.pop(group)
        assert (line.subject, line.effect) == ("kernel", refused.get(CONNTRACK, "changed by somebody else"))
        assert [*found.values()] == [()]
