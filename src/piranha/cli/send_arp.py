"""Shell: `send_arp`: tell the neighbours that an address moved.

send_arp [-i DEVICE] ADDRESS MAC TARGET_ADDRESS TARGET_MAC

Exit status 0: one frame was sent; 1: wrong arguments, unknown host, no such device, not permitted.
Arguments, frame and messages are those of the original (send_arp(8)).
"""

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from piranha.pulse.arp import ALL_NODES_MAC, BROADCAST, gratuitous_arp, parse_mac, unsolicited_advertisement
from piranha.terms import Address
from piranha.text import printable

USAGE = "usage: send_arp [-i device] src_ip_addr src_hw_addr targ_ip_addr tar_hw_addr"
DEFAULT_DEVICE = "eth0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One frame to send. target: argument 3, checked and otherwise ignored, as in the original since 0.8.4."""

    device: str
    address: Address
    mac: bytes
    target: Address
    destination: bytes

    def frame(self, *, router: bool) -> bytes:
        """Return the Ethernet frame; `router` matters for IPv6 only (see `piranha.pulse.arp`)."""
        if isinstance(self.address, IPv6Address):
            # Broadcast is the IPv4 habit of scripts; IPv6 nodes listen to the group of all nodes.
            destination = ALL_NODES_MAC if self.destination == BROADCAST else self.destination
            return unsolicited_advertisement(self.address, self.mac, router=router, destination=destination)
        return gratuitous_arp(self.address, self.mac, destination=self.destination)


def parse(arguments: Sequence[str]) -> Announcement:
    """Read the command line.

    Raises ValueError with the text for stderr: the usage, `Invalid hardware address` or
    `send_arp: unknown host NAME`.
    """
    words = list(arguments)
    device = DEFAULT_DEVICE
    if len(words) == 6 and words[0] == "-i":
        device = words[1]
        del words[:2]
    if len(words) != 4 or words[0].startswith("-"):
        raise ValueError(USAGE)
    source, mac, target, destination = words
    address = resolve(source)
    return Announcement(
        device=device,
        address=address,
        mac=parse_mac(mac),
        target=resolve(target),
        destination=parse_mac(destination),
    )


def resolve(name: str) -> Address:
    """Return the address that `name` is or has, IPv4 first. Raises ValueError: `send_arp: unknown host NAME`."""
    try:
        return ip_address(name)
    except ValueError:
        pass
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            found = socket.getaddrinfo(name, None, family, socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            continue
        text = str(found[0][4][0])
        return IPv4Address(text) if family == socket.AF_INET else IPv6Address(text.partition("%")[0])
    raise ValueError(f"send_arp: unknown host {name}")


def device_forwards(device: str) -> bool:
    """Return whether the kernel forwards IPv6 that arrives on `device`."""
    try:
        return Path(f"/proc/sys/net/ipv6/conf/{device}/forwarding").read_text(encoding="ascii").strip() == "1"
    except (OSError, ValueError):
        return False


def send(device: str, frame: bytes) -> None:
    """Send one Ethernet frame. Raises OSError: not permitted, no such device, device down."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind((device, 0))
        raw.send(frame)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        announcement = parse(sys.argv[1:] if arguments is None else arguments)
    except ValueError as error:
        print(printable(str(error)), file=sys.stderr)
        return 1
    try:
        send(announcement.device, announcement.frame(router=device_forwards(announcement.device)))
    except PermissionError:
        print("send_arp: socket: Operation not permitted (needs root or CAP_NET_RAW)", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"send_arp: {printable(announcement.device)}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
