"""A service of SCTP that lies in the table of a kernel that balances none: who starts lvsd hears of it."""

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.kernel.wire_kernel import WireKernel
from tests.lvsd.test_reconcile import all_up, config, real, www

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.ipvs import IpvsPlane
from piranha.lvsd.kept_table import KeptTable, Wanted
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import PlaneThread
from piranha.table.desired import desired
from piranha.table.diff import diff
from piranha.terms import Protocol

FILE = config(www(real(1)), replace(www(real(2), name="epc", port=36412), protocols=(Protocol.SCTP,)))
LEFT_ALONE = (
    "add service sctp 192.0.2.10:36412: this kernel's IPVS does not balance sctp: "
    "it was built without CONFIG_IP_VS_PROTO_SCTP (EPROTONOSUPPORT)"
)


def test_a_start_names_a_service_of_sctp_that_is_there_and_that_the_kernel_leaves_alone(tmp_path: Path) -> None:
    kernel = WireKernel()
    IpvsPlane(kernel.connect, lacks=lambda: None).apply(diff({}, desired(FILE, all_up(FILE), {}, ())))
    recorder = Recorder(None)
    assert asyncio.run(_passes(tmp_path, kernel, recorder, lacks=True)) == [[LEFT_ALONE], [LEFT_ALONE]]
    [event] = [one.event for one in recorder.last(100) if one.event.subject == "epc"]
    assert event.message == "ipvsadm failed for virtual server epc!"
    assert asyncio.run(_passes(tmp_path, kernel, recorder, lacks=False)) == [[], []]


async def _passes(folder: Path, kernel: WireKernel, recorder: Recorder, *, lacks: bool) -> list[list[str]]:
    """Return what is refused after each of two passes of an lvsd that has just started."""
    plane, kept = IpvsPlane(kernel.connect, lacks=lambda: lacks), StateFiles(folder, folder / "run")
    thread, wanted = PlaneThread(plane, lambda: None, lambda: None, unserved=plane.unserved), Wanted(FILE, all_up(FILE))
    teller = Teller("lvsd", recorder)
    table = KeptTable(thread, Ours(kept), teller, lambda _: wanted, lambda: None, kept=kept)
    refused = []
    try:
        await table.adopt()
        for _ in range(2):
            await table.one_pass()
            refused.append(table.refused)
    finally:
        table.close()
    return refused
