"""Shell: which probe carries out which kind of check."""

from piranha.lvscf.check_values import Exchange, Program
from piranha.nanny.probes.base import Probe, Watch
from piranha.nanny.probes.program import ProgramProbe
from piranha.nanny.probes.tcp import TcpProbe
from piranha.nanny.probes.udp import UdpProbe
from piranha.nanny.results import Assignment
from piranha.terms import Protocol


def probe_for(assignment: Assignment, watch: Watch) -> Probe:
    """Return the probe of `assignment`, not yet begun."""
    check = assignment.check
    match check:
        case Program():
            return ProgramProbe(assignment, check, watch)
        case Exchange(transport=Protocol.UDP):
            return UdpProbe(assignment, check, watch)
        case Exchange():
            return TcpProbe(assignment, check, watch)
