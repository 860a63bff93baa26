"""What the original's parser did to people's files, and what becomes of those files here."""

import pytest

from piranha.lvscf.check_values import Exchange, Program
from piranha.lvscf.config import Config
from piranha.lvscf.load import Loaded, load
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.printer import print_tree
from piranha.terms import ForwardingMethod, Scheduler

FILE = """primary = 192.0.2.2
virtual web {
     active = 1
     address = 192.0.2.10 eth0:1
     port = 8080
     server one {
         address = 10.0.0.1
         active = 1
     }
}
"""


def read(text: str) -> Loaded:
    return load(text.encode(), "lvs.cf")


def config(text: str) -> Config:
    """The Config of a file without errors."""
    loaded = read(text)
    assert loaded.config is not None, loaded.render()
    return loaded.config


def codes(text: str) -> list[str]:
    return [finding.code for finding in read(text).findings]


def with_setting(line: str, where: str = "port = 8080") -> str:
    return FILE.replace(where, f"{where}\n     {line}")


def test_a_file_with_dos_line_ends_is_read_to_its_last_line() -> None:
    assert config(FILE.replace("\n", "\r\n")) == config(FILE)


def test_a_comment_behind_a_value_is_a_comment() -> None:
    assert config(FILE.replace("port = 8080", "port = 8080   # the application")) == config(FILE)


def test_a_quoted_word_before_a_blank_is_a_text() -> None:
    check = config(with_setting('send = "QUIT" ')).virtuals[0].servers[0].check
    assert check == Exchange(send=b"QUIT")


def test_an_empty_file_is_refused_with_its_reason() -> None:
    assert codes("") == ["E001"]


def test_a_server_has_a_port_of_its_own_by_number_or_name() -> None:
    server = "         active = 1\n         port = "
    for word, number in (("8443", 8443), ("https", 443)):
        assert config(FILE.replace("         active = 1", server + word)).virtuals[0].servers[0].port == number


def test_slashes_of_a_monitoring_script_stay_where_they_are() -> None:
    check = config(with_setting(r'send_program = "/usr/lib/check\a/http://%h:%p/"')).virtuals[0].servers[0].check
    assert isinstance(check, Program)
    assert check.command == (r"/usr/lib/check\a/http://%h:%p/",)


def test_a_brace_in_a_text_to_send_closes_no_block() -> None:
    read_back = config(with_setting('send = "GET /{id} }"')).virtuals[0]
    assert read_back.servers[0].check == Exchange(send=b"GET /{id} }")


def test_comments_and_layout_survive_a_reading() -> None:
    text = "# ours\n\n" + FILE.replace("     port", "\t port").replace("}\n", "}   # end\n")
    assert print_tree(parse(text)[0]) == text


def test_the_mistakes_of_a_file_are_told_all_at_once_with_their_places() -> None:
    wrong = FILE.replace("port = 8080", "port = 80800").replace("10.0.0.1", "10.0.0.256").replace("primary", "primry")
    assert [(finding.span.line, finding.code) for finding in read(wrong).errors] == [
        (1, "E006"),
        (5, "E017"),
        (7, "E010"),
    ]


def test_two_vips_of_one_alias_device_are_both_held() -> None:
    second = FILE[FILE.index("virtual") :].replace("web", "mail").replace("192.0.2.10", "192.0.2.11")
    both = config(FILE + second)
    assert [str(vip.address) for vip in both.floating_addresses()] == ["192.0.2.10", "192.0.2.11"]
    assert codes(FILE + second) == ["W019"]


def test_one_service_given_twice_is_named_before_anything_starts() -> None:
    twice = FILE + FILE[FILE.index("virtual") :].replace("web", "again")
    (error,) = read(twice).errors
    assert (error.code, error.message) == ("E030", "tcp 192.0.2.10 port 8080 is already virtual 'web' in line 2")


def test_load_monitor_none_asks_for_nothing_and_is_no_mistake() -> None:
    assert codes(with_setting("load_monitor = none")) == []


PAIR = FILE.replace("192.0.2.2\n", "192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3\nheartbeat_auth = none\n", 1)


def test_a_deadtime_that_lets_routers_flap_is_named() -> None:
    assert "W011" in codes(PAIR.replace("backup_active", "keepalive = 30\ndeadtime = 18\nbackup_active"))


def test_a_private_address_of_one_router_only_is_refused() -> None:
    for who in ("primary", "backup"):
        loaded = read(PAIR.replace("backup_active", f"{who}_private = 10.0.0.2\nbackup_active"))
        assert [error.code for error in loaded.errors] == ["E033"]


@pytest.mark.parametrize("scheduler", list(Scheduler))
def test_every_scheduler_of_linux_can_be_asked_for(scheduler: Scheduler) -> None:
    assert config(with_setting(f"scheduler = {scheduler}")).virtuals[0].scheduler is scheduler


def test_forwarding_can_differ_from_server_to_server() -> None:
    more = "     server two { active = 1; address = 10.0.0.2; forwarding = tunnel }\n}\n"
    servers = config(FILE[:-2] + more).virtuals[0].servers
    assert [server.forwarding for server in servers] == [ForwardingMethod.NAT, ForwardingMethod.TUNNEL]
