"""Findings about how settings fit together; each sees the whole file, none changes it."""

from piranha.lvscf.built import Built
from piranha.lvscf.checks_cluster import check_cluster
from piranha.lvscf.checks_devices import check_devices
from piranha.lvscf.checks_marks import check_marks
from piranha.lvscf.checks_sync import check_sync
from piranha.lvscf.checks_together import check_together
from piranha.lvscf.checks_virtual import check_virtuals
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.known import Looks


def check(built: Built, looks: Looks, findings: Findings) -> None:
    """Add what is wrong or doubtful about the file as a whole."""
    check_cluster(built, findings)
    check_virtuals(built, looks, findings)
    check_marks(built, findings)
    check_together(built, looks, findings)
    check_devices(built, findings)
    check_sync(built, findings)
