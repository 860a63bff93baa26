"""What a file wants of the kernel beside the table: settings by name, and connection synchronisation."""

from piranha.dataclass import dataclass
from piranha.terms import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSettings:
    """Connection synchronisation (`syncdaemon = 1`); None = the kernel's default.

    device: an interface name, `public` or `private`. sync_id: 0 to 255. max_length: bytes of a message.
    group: multicast group (224.0.0.81). port: UDP (8848). ttl: 1 to 255 (1).
    """

    device: str = "eth0"
    sync_id: int = 0
    max_length: int | None = None
    group: Address | None = None
    port: int | None = None
    ttl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSettings:
    """Settings that the file names; what it does not name is not touched, and nothing is ever set back.

    vs: names of net.ipv4.vs and their values, sorted; several numbers stand one blank apart. ip_forward: switch
    forwarding on. sync: None = no connection synchronisation.
    """

    vs: tuple[tuple[str, str], ...] = ()
    ip_forward: bool = False
    sync: SyncSettings | None = None
