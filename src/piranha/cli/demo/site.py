"""Where the demo's cluster lives: its addresses on loopback, and its lvs.cf."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from piranha.cli.demo.cast import Cast

PORT = 8080
WEIGHTS = {"web1": 2, "web2": 1, "web3": 1}
ROUTERS = ("primary", "backup")
CAST = Cast(
    routers=ROUTERS,
    servers=tuple(WEIGHTS),
    keepalive_s=0.3,
    deadtime_s=3.0,
    timeout_s=0.9,
    reentry_s=1.0,
    lease_bound_s=1.0,  # L; the forwarder lets go on time
    refresh_s=0.15,
    slack_s=0.7,
    patience_s=3.0,
    settle_s=0.8,
    switch_s=0.25,  # usual: 0.02 to 0.05
    start_s=15.0,
    tour_s=36.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Two loopback networks that nobody else uses.

    public, private: their first three bytes, such as `127.44.7`. heartbeat_port: UDP, free on all
    of the routers' addresses.
    """

    public: str
    private: str
    heartbeat_port: int

    @property
    def vip(self) -> IPv4Address:
        """The floating address."""
        return IPv4Address(f"{self.public}.10")

    def router(self, name: str, network: str) -> str:
        """Return the address of `primary` or `backup` in `public` or `private`."""
        return f"{network}.{2 + ROUTERS.index(name)}"

    def server(self, name: str) -> str:
        """Return the address of a real server."""
        return f"{self.private}.{20 + int(name[-1])}"


def lvs_cf(site: Site, key_file: str) -> str:
    """Return the demo's configuration file; key_file: an absolute path."""
    servers = "".join(
        f"     server {name} {{ active = 1; address = {site.server(name)}; port = {PORT}; weight = {weight} }}\n"
        for name, weight in WEIGHTS.items()
    )
    return f"""\
# lvs.cf of `piranha demo`: two routers, one virtual server, three real servers, all on loopback
serial_no = 1
cluster = demo
service = lvs
primary = {site.router("primary", site.public)}
primary_private = {site.router("primary", site.private)}
backup_active = 1
backup = {site.router("backup", site.public)}
backup_private = {site.router("backup", site.private)}
heartbeat_port = {site.heartbeat_port}
heartbeat_key_file = {key_file}
keepalive = {CAST.keepalive_s:g}
deadtime = {CAST.deadtime_s:g}
initdead = {CAST.deadtime_s:g}
forwarding_plane = userspace        # no IPVS here; a router never does this unless told
network = nat

virtual www {{
     active = 1
     address = {site.vip}
     port = {PORT}
     protocol = tcp
     scheduler = wrr
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP/1.0 200"
     timeout = {CAST.timeout_s:g}                   # a dead server is out within this
     reentry = {CAST.reentry_s:g}                     # and must pass every check for this long before it is back
{servers}}}
"""
