"""Who counts as up before the first answer: at a start, over a table of others, at a reload."""

from ipaddress import ip_address

from piranha.lvscf.config import Config
from piranha.lvscf.load import load
from piranha.table.adopted import starting_up
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80))


def file(start_state: str) -> Config:
    text = f"""virtual www {{
    active = 1
    address = 192.0.2.10 eth0
    start_state = {start_state}
    server web1 {{ active = 1; address = 10.0.0.1 }}
    server web2 {{ active = 1; address = 10.0.0.2 }}
    server web3 {{ active = 1; address = 10.0.0.3 }}
}}
"""
    config = load(text.encode(), "lvs.cf").config
    assert config is not None
    return config


def table(**weights: int) -> Table:
    pool = {
        DestinationKey(ip_address(f"10.0.0.{name[-1]}"), 80): Destination(
            forwarding=ForwardingMethod.NAT, weight=weight
        )
        for name, weight in weights.items()
    }
    return {WWW: Service(ServiceSettings(scheduler="wlc"), pool)}


def test_a_server_that_the_table_serves_starts_as_up_all_others_as_unknown() -> None:
    assert starting_up(file("check"), table(web1=1, web2=0)) == {"www": {"web1"}}


def test_with_start_state_up_all_start_as_up_where_the_table_does_not_have_the_service() -> None:
    assert starting_up(file("up"), {}) == {"www": ("web1", "web2", "web3")}


def test_a_server_that_is_out_of_a_table_nobody_looks_after_yet_has_to_answer_first() -> None:
    assert starting_up(file("up"), table(web1=1, web2=0)) == {"www": {"web1"}}
    assert starting_up(file("up"), table()) == {"www": set()}  # all of them were taken out


def test_a_server_that_a_reload_adds_is_up_at_once_with_start_state_up() -> None:
    assert "web3" in starting_up(file("up"), table(web1=1, web2=1), in_force=["www"])["www"]
