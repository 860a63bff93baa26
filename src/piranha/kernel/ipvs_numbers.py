"""The numbers of the IPVS netlink family.

Plain numbers in classes: an enumeration would cost `ipvsadm` milliseconds at each start.
Source: linux/ip_vs.h.
"""

FAMILY_NAME = "IPVS"
VERSION = 1


class Command:
    """IPVS_CMD_*."""

    NEW_SERVICE = 1
    SET_SERVICE = 2
    DEL_SERVICE = 3
    GET_SERVICE = 4
    NEW_DEST = 5
    SET_DEST = 6
    DEL_DEST = 7
    GET_DEST = 8
    NEW_DAEMON = 9
    DEL_DAEMON = 10
    GET_DAEMON = 11
    SET_CONFIG = 12
    GET_CONFIG = 13
    GET_INFO = 15
    ZERO = 16
    FLUSH = 17


class Top:
    """IPVS_CMD_ATTR_*: what a message holds."""

    SERVICE = 1
    DEST = 2
    DAEMON = 3
    TIMEOUT_TCP = 4
    TIMEOUT_TCP_FIN = 5
    TIMEOUT_UDP = 6


class Svc:
    """IPVS_SVC_ATTR_*."""

    AF = 1
    PROTOCOL = 2
    ADDR = 3  # 16 bytes, an IPv4 address in the first four
    PORT = 4  # __be16
    FWMARK = 5
    SCHED_NAME = 6
    FLAGS = 7  # struct ip_vs_flags
    TIMEOUT = 8
    NETMASK = 9  # IPv4: __be32; IPv6: prefix length, host order
    STATS = 10
    PE_NAME = 11
    STATS64 = 12


class Dest:
    """IPVS_DEST_ATTR_*."""

    ADDR = 1
    PORT = 2  # __be16
    FWD_METHOD = 3
    WEIGHT = 4
    U_THRESH = 5
    L_THRESH = 6
    ACTIVE_CONNS = 7
    INACT_CONNS = 8
    PERSIST_CONNS = 9
    STATS = 10
    ADDR_FAMILY = 11
    STATS64 = 12
    TUN_TYPE = 13
    TUN_PORT = 14  # __be16
    TUN_FLAGS = 15


class Stats:
    """IPVS_STATS_ATTR_*, in both STATS (32-bit but for bytes) and STATS64."""

    CONNS = 1
    INPKTS = 2
    OUTPKTS = 3
    INBYTES = 4
    OUTBYTES = 5
    CPS = 6
    INPPS = 7
    OUTPPS = 8
    INBPS = 9
    OUTBPS = 10


class Daemon:
    """IPVS_DAEMON_ATTR_*."""

    STATE = 1
    MCAST_IFN = 2
    SYNC_ID = 3
    SYNC_MAXLEN = 4
    MCAST_GROUP = 5  # __be32
    MCAST_GROUP6 = 6
    MCAST_PORT = 7  # host order, unlike every other port here
    MCAST_TTL = 8


class Info:
    """IPVS_INFO_ATTR_*: they share numbers with Top."""

    VERSION = 1
    CONN_TAB_SIZE = 2


FORWARDING_MASK = 7  # IP_VS_CONN_F_FWD_MASK
SCHEDULER_FLAGS_SHIFT = 3  # IP_VS_SVC_F_SCHED1 is 1 << 3
WHOLE_IPV4 = 0xFFFFFFFF
WHOLE_IPV6 = 128
