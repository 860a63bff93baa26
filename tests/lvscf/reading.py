"""From a few lines of lvs.cf to values."""

from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.lvscf.load import load


def config(text: str) -> Config:
    """The Config of a file without errors."""
    loaded = load(text.encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


def virtual(lines: str, address: str = "192.0.2.10 eth0", top: str = "") -> Virtual:
    """One virtual server with these settings, and servers if `lines` has them."""
    return config(f"{top}\nvirtual web {{\nactive = 1\naddress = {address}\n{lines}\n}}\n").virtuals[0]


def server(lines: str, inherited: str = "", top: str = "") -> RealServer:
    """One real server with these settings."""
    return virtual(f"{inherited}\nserver a {{\nactive = 1\naddress = 10.0.0.1\n{lines}\n}}", top=top).servers[0]
