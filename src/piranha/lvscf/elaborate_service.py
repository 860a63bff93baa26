"""From the settings of a `virtual` block to what its kernel services are: VIPs, ports, persistence, tunnels."""

from piranha.lvscf.addresses import FloatingWords, HostPort, PersistenceMask
from piranha.lvscf.config import FloatingAddress, PortRange, SorryServer
from piranha.lvscf.diagnostics import Findings, Span
from piranha.lvscf.settings import Section
from piranha.terms import PLAIN_TUNNEL, ForwardingMethod, Tunnel, TunnelChecksum, TunnelType

_FLAGS = {"flag-1": 1, "fallback": 1, "flag-2": 2, "port": 2, "flag-3": 4}  # linux/ip_vs.h: IP_VS_SVC_F_SCHED*


def floating_address(words: FloatingWords, section: Section, mask_keyword: str, findings: Findings) -> FloatingAddress:
    """Return a VIP or gateway with the prefix length that `mask_keyword` or `/prefix` gives."""
    bits = words.address.max_prefixlen
    given = section.of(mask_keyword) if mask_keyword in section.values else None
    masked = section.get(mask_keyword, 0)
    if given is not None and bits == 128 and not given.setting.values[0].value.startswith("/"):
        findings.add("E015", given.span, f"{words.address} needs a prefix length here", "such as /128")
        masked = 0
    if given is not None and masked > bits:
        findings.add("E015", given.span, f"/{masked} is too long for {words.address}", f"/{bits} at most")
        masked = 0
    if masked and words.prefix is not None and masked != words.prefix and given is not None:
        findings.add("E043", given.span, f"{mask_keyword} is /{masked}, but the address says /{words.prefix}")
    return FloatingAddress(
        address=words.address, prefix=words.prefix or masked or bits, device=words.device, label=words.label
    )


def extra_vips(vip: FloatingAddress, section: Section, findings: Findings) -> tuple[tuple[FloatingAddress, Span], ...]:
    """Return the VIPs of `extra_address` and their places; none twice, none that is `vip`."""
    if "extra_address" not in section.values:
        return ()
    found: dict[object, tuple[FloatingAddress, Span]] = {vip.address: (vip, section.place("address"))}
    for given in section.all("extra_address"):
        words = given.value
        if not isinstance(words, FloatingWords):
            continue
        if int(words.address) == 0:
            findings.add("E010", given.span, f"a VIP cannot be {words.address}", "remove the line")
        elif words.address.version != vip.address.version:
            message = f"the VIP is IPv{vip.address.version}, {words.address} is IPv{words.address.version}"
            findings.add("E035", given.span, message, "write a virtual block of its own")
        elif words.address in found:
            findings.add("W060", given.span, f"{words.address} is already a VIP of this virtual server")
        else:
            prefix = words.prefix or vip.prefix
            extra = FloatingAddress(address=words.address, prefix=prefix, device=words.device, label=words.label)
            found[words.address] = (extra, given.span)
    return tuple(found.values())[1:]


def ports(section: Section) -> tuple[int, tuple[PortRange, ...]]:
    """Return the port of the service, the first one of `ports`, and what `ports` says."""
    several: tuple[tuple[int, int], ...] = section.get("ports", ())
    if several:
        return several[0][0], tuple(PortRange(first, last) for first, last in several)
    return section.value("port", int), ()


def scheduler_flags(section: Section) -> int:
    """Return the flags of the scheduler as the kernel counts them, 0 to 7."""
    flags = 0
    words: tuple[str, ...] = section.get("scheduler_flags", ())
    for word in words:
        flags |= _FLAGS[word]
    return flags


def persistence_mask(section: Section, version: int, findings: Findings) -> int | None:
    """Return the mask of `pmask`: IPv4 a netmask, IPv6 a prefix length, None the whole address."""
    given = section.maybe("pmask", PersistenceMask)
    if given is None:
        return None
    bits = 32 if version == 4 else 128
    if version == 6 and given.prefix is None:
        findings.add("E015", section.place("pmask"), "an IPv6 service needs a prefix length here", "such as /64")
        return None
    if given.prefix is not None and not 1 <= given.prefix <= bits:
        findings.add("E015", section.place("pmask"), f"/{given.prefix} does not fit here", f"/1 to /{bits}")
        return None
    if version == 6:
        return given.prefix if given.prefix != bits else None
    netmask = given.netmask if given.prefix is None else (0xFFFFFFFF << (32 - given.prefix)) & 0xFFFFFFFF
    # 0.0.0.0 was not set, 255.255.255.255 is the whole address.
    return netmask if netmask not in (0, 0xFFFFFFFF) else None


def sorry_server(section: Section, forwarding: ForwardingMethod) -> SorryServer | None:
    """Return the sorry server; without a port of its own it is sent that of the service."""
    given = section.maybe("sorry_server", HostPort)
    if given is None or int(given.address) == 0:
        return None
    own = ForwardingMethod(section.get("sorry_forwarding", str(forwarding)))
    port = given.port or (0 if "ports" in section.values else section.value("port", int))
    return SorryServer(address=given.address, port=port, forwarding=own, tunnel=tunnel(section, section, own))


def tunnel(section: Section, server: Section, forwarding: ForwardingMethod) -> Tunnel:
    """Return how packets to a server are wrapped; what `server` does not say comes from its virtual server."""
    if forwarding is not ForwardingMethod.TUNNEL:
        return PLAIN_TUNNEL
    kind, checksum = tunnel_words(section, server)
    if kind is TunnelType.IPIP:
        return PLAIN_TUNNEL
    port = server.maybe("tunnel_port", int) or section.value("tunnel_port", int)
    return Tunnel(type=kind, port=port if kind is TunnelType.GUE else 0, checksum=checksum)


def tunnel_words(section: Section, server: Section) -> tuple[TunnelType, TunnelChecksum]:
    """Return what the file says of the tunnel to a server, whether or not they fit together."""
    kind = server.maybe("tunnel_type", str) or section.value("tunnel_type", str)
    checksum = server.maybe("tunnel_checksum", str) or section.value("tunnel_checksum", str)
    return TunnelType(kind), TunnelChecksum(checksum)
