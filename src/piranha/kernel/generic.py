"""Generic netlink: families found by name, requests with a command.

Sources: linux/genetlink.h (struct genlmsghdr, CTRL_CMD_*, CTRL_ATTR_*).
"""

from struct import Struct

from piranha.kernel.wire import WireError, attributes, number, text

GENL_HEADER = Struct("=BBH")  # u8 cmd, u8 version, u16 reserved

CONTROL_FAMILY = 0x10  # GENL_ID_CTRL: the family that knows the others
_CTRL_CMD_GETFAMILY = 3
_CTRL_ATTR_FAMILY_ID = 1
_CTRL_ATTR_FAMILY_NAME = 2
_CONTROL_VERSION = 1


def command(number_of_command: int, version: int, body: bytes = b"") -> bytes:
    """Encode the payload of a generic netlink message."""
    return GENL_HEADER.pack(number_of_command, version, 0) + body


def family_request(name: str) -> bytes:
    """Encode the question for the number of a family, to be sent to CONTROL_FAMILY.

    The kernel answers ENOENT if it has no such family, after it has tried to load a module that
    names it (alias `net-pf-16-proto-16-family-NAME`).
    """
    return command(_CTRL_CMD_GETFAMILY, _CONTROL_VERSION, text(_CTRL_ATTR_FAMILY_NAME, name))


def family_answer(payload: bytes) -> int:
    """Read the number of the family, which is the message type of its requests; raises WireError."""
    return number(body(payload), _CTRL_ATTR_FAMILY_ID)


def body(payload: bytes) -> dict[int, bytes]:
    """Split the attributes of an answer; raises WireError."""
    if len(payload) < GENL_HEADER.size:
        raise WireError(f"truncated generic netlink message: {len(payload)} bytes")
    return attributes(payload, GENL_HEADER.size)
