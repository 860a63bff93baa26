"""Shell: keepalived on the lab's routers, to measure beside it. Version 2.2 or later.

Tuned as its operators would tune it for a fast takeover: VRRPv3, priorities 254 and 253 (they make the
skew time a hundredth of the default), both routers BACKUP with nopreempt, the NAT gateway in the same
instance as the VIPs. Source: keepalived.conf(5).
"""

import shutil
import subprocess

from piranha.lab.build import Lab
from piranha.lab.namespaces import LabError
from piranha.lab.topology import NAT_ROUTER, ROUTERS, Bridge, VirtualFile
from piranha.terms import ForwardingMethod

PRIORITIES = dict(zip(ROUTERS, (254, 253), strict=True))
LVS_KIND = {ForwardingMethod.NAT: "NAT", ForwardingMethod.DIRECT: "DR"}


def vrrp_block(lab: Lab, router: str, virtuals: tuple[VirtualFile, ...], interval_s: float) -> str:
    """Return the part of keepalived.conf that moves addresses. interval_s: seconds between adverts."""
    machine = lab.topology.machine(router)
    public = machine.leg(Bridge.PUBLIC).device
    addresses = [f"        {vip}/{vip.max_prefixlen} dev {public}" for vip in {virtual.vip for virtual in virtuals}]
    if lab.topology.forwarding is ForwardingMethod.NAT:
        addresses.append(f"        {NAT_ROUTER}/32 dev {machine.leg(Bridge.PRIVATE).device}")
    listing = "\n".join(addresses)
    return f"""global_defs {{
    router_id {router}
    vrrp_version 3
}}
vrrp_instance lab {{
    state BACKUP
    nopreempt
    interface {public}
    virtual_router_id 51
    priority {PRIORITIES[router]}
    advert_int {interval_s:g}
    virtual_ipaddress {{
{listing}
    }}
}}
"""


def checker_block(lab: Lab, virtual: VirtualFile, *, checked: bool = True) -> str:
    """Return the `virtual_server` block of one virtual server, with a TCP check each second or with none."""
    # Each on a line of its own: keepalived takes what stands behind a value for more of the value.
    check = "TCP_CHECK {\n connect_timeout 1\n }" if checked else ""
    addresses = [
        lab.topology.server_address(name, virtual.vip.version) for name in virtual.servers or lab.topology.servers
    ]
    servers = "\n".join(f"    real_server {address} {virtual.port} {{\n weight 1\n {check} }}" for address in addresses)
    return f"""virtual_server {virtual.vip} {virtual.port} {{
    delay_loop 1
    lb_algo {virtual.scheduler}
    lb_kind {LVS_KIND[lab.topology.forwarding]}
    protocol TCP
{servers}
}}
"""


class Keepalived:
    """One router's keepalived. options: for instance `-C` for its checker alone."""

    def __init__(self, lab: Lab, router: str, configuration: str) -> None:
        if shutil.which("keepalived") is None:
            raise LabError("keepalived is not installed: apt-get install keepalived")
        self._lab = lab
        self._router = router
        self._folder = lab.folder / f"{router}-keepalived"
        self._folder.mkdir()
        self._file = self._folder / "keepalived.conf"
        self._file.write_text(configuration)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it in the foreground, with pid files of its own (a forgotten one stops its next start)."""
        self.process = self._lab.spawn(
            self._router,
            (
                *("keepalived", "-n", "-l", "-D", "-f", str(self._file)),
                *("-p", str(self._folder / "pid")),
                *("-c", str(self._folder / "checkers.pid")),
                *("-r", str(self._folder / "vrrp.pid")),
                *options,
            ),
            log=f"{self._router}-keepalived",
        )

    def stop(self, limit_s: float = 10) -> int:
        """Stop it cleanly and return its exit status."""
        if self.process is None:
            raise LabError("keepalived was never started")
        self.process.terminate()
        return self.process.wait(limit_s)
