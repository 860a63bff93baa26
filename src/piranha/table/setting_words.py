"""The settings of services and servers in words, for logs: whatever differs between two of them is to be seen."""

from collections.abc import Mapping
from itertools import chain

from piranha.table.destination import Destination
from piranha.table.flags import flag_names
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.words import mask_words
from piranha.terms import PLAIN_TUNNEL, Tunnel, TunnelChecksum

_NONE = "none"


def differing(
    key: ServiceKey, found: ServiceSettings | Destination, wanted: ServiceSettings | Destination
) -> list[tuple[str, str, str]]:
    """Return the name of each setting that differs between two of one service or server, and both values."""
    have, want = _values(key, found), _values(key, wanted)
    return [(name, have[name], value) for name, value in want.items() if have[name] != value]


def settings_words(key: ServiceKey, settings: ServiceSettings) -> str:
    """Write all that is not as it is by default: `mh flags mh-port persistent 60 mask 255.255.255.0`."""
    flags = flag_names(settings.scheduler, settings.scheduler_flags)
    parts = [
        settings.scheduler,
        f"flags {flags}" if flags else "",
        f"persistent {settings.persistence_s}" if settings.persistence_s else "",
        f"mask {mask_words(key, settings)}" if settings.persistence_mask is not None else "",
        f"engine {settings.persistence_engine}" if settings.persistence_engine else "",
        "one packet" if settings.one_packet else "",
    ]
    return " ".join(filter(None, parts))


def destination_words(destination: Destination) -> str:
    """Write forwarding method and weight, and what is not as it is by default: `tunnel gue port 6080 weight 4`."""
    tunnel = _tunnel_words(destination.tunnel) if destination.tunnel != PLAIN_TUNNEL else ""
    limits = (("upper_threshold", destination.upper_threshold), ("lower_threshold", destination.lower_threshold))
    given = (f"{name} {value}" for name, value in limits if value)
    return " ".join(chain(filter(None, [destination.forwarding, tunnel]), [f"weight {destination.weight}"], given))


def _values(key: ServiceKey, of: ServiceSettings | Destination) -> Mapping[str, str]:
    if isinstance(of, ServiceSettings):
        return {
            "scheduler": of.scheduler,
            "scheduler_flags": flag_names(of.scheduler, of.scheduler_flags) or _NONE,
            "persistence": str(of.persistence_s),
            "persistence_mask": mask_words(key, of) or _NONE,
            "persistence_engine": of.persistence_engine or _NONE,
            "one_packet": "1" if of.one_packet else "0",
        }
    return {
        "forwarding": of.forwarding,
        "weight": str(of.weight),
        "upper_threshold": str(of.upper_threshold),
        "lower_threshold": str(of.lower_threshold),
        "tunnel": _tunnel_words(of.tunnel),
    }


def _tunnel_words(tunnel: Tunnel) -> str:
    port = f" port {tunnel.port}" if tunnel.port else ""
    return f"{tunnel.type}{port}" + (f" {tunnel.checksum}" if tunnel.checksum is not TunnelChecksum.NONE else "")
