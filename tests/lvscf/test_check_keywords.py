"""Check blocks and kinds: what a server is asked instead of send, expect and send_program."""

from ipaddress import ip_address

import pytest
from tests.lvscf.reading import config, server

from piranha.lvscf.check_values import Exchange, Expect, HttpExpect, Program, WeightFrom
from piranha.lvscf.config import RealServer, meaning
from piranha.lvscf.load import load
from piranha.terms import Protocol

FILE = """virtual web {
    active = 1
    address = 192.0.2.10 eth0
    %s
    server a {
        active = 1
        address = 10.0.0.1
        %s
    }
}
%s
"""


def read(lines: str, blocks: str = "", own: str = "") -> RealServer:
    """The server of a file with these check blocks."""
    return config(FILE % (lines, own, blocks)).virtuals[0].servers[0]


def asked(lines: str, blocks: str = "") -> Exchange:
    """The one exchange that the server is asked for."""
    real = read(lines, blocks)
    assert real.more_checks == ()
    assert isinstance(real.check, Exchange)
    return real.check


def test_a_kind_is_a_check_of_that_name() -> None:
    assert asked("check = tcp") == Exchange()
    assert asked("check = udp") == Exchange(transport=Protocol.UDP)


def test_a_block_of_kind_tcp_sends_and_expects() -> None:
    block = 'check hello {\nkind = tcp\nsend = "PING\\r\\n"\nexpect = "^\\+PONG"\nuse_regex = 1\n}'
    assert asked("check = hello", block) == Exchange(send=b"PING\r\n", expect=Expect(text=b"^\\+PONG", regex=True))


def test_a_program_gets_the_vip_and_later_server_and_port() -> None:
    block = 'check script {\nkind = program\nprogram = "/bin/probe %v %h:%p"\n}'
    assert read("check = script", block).check == Program(command=("/bin/probe", "192.0.2.10", "%h:%p"))


def test_kind_http_asks_for_the_path_and_looks_at_the_status() -> None:
    check = asked("check = http")
    assert check.send == b"GET / HTTP/1.1\r\nHost: 192.0.2.10\r\nConnection: close\r\n\r\n"
    assert (check.expect, check.http) == (None, HttpExpect(statuses=((200, 399),)))


def test_a_block_of_kind_http_says_what_to_ask_for_and_which_statuses_are_good() -> None:
    block = (
        "check healthz {\nkind = http\nhost = www.example.net\npath = /healthz\nmethod = HEAD\n"
        'header = "Accept: */*"\nheader = "X-Probe: 1"\nstatus = 204 301-302 400-499\n}'
    )
    check = asked("check = healthz", block)
    lines = "HEAD /healthz HTTP/1.1", "Host: www.example.net", "Accept: */*", "X-Probe: 1", "Connection: close", "", ""
    assert check.send == "\r\n".join(lines).encode()
    assert check.http == HttpExpect(statuses=((204, 204), (301, 302), (400, 499)))


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ("expect = ready", Expect(text=b"ready", anywhere=True)),
        ('expect = "*"', Expect(text=b"*", anything=True)),
        ('expect = "^ready$"\nuse_regex = 1', Expect(text=b"^ready$", regex=True)),
    ],
)
def test_kind_http_looks_for_what_is_expected_anywhere_in_the_body(lines: str, body: Expect) -> None:
    check = asked("check = page", f"check page {{\nkind = http\n{lines}\n}}")
    assert check.http == HttpExpect(statuses=((200, 399),), body=body)


def test_of_several_paths_all_must_pass() -> None:
    real = read("check = pages", "check pages {\nkind = http\npath = /a\npath = /b\n}")
    assert [one.name for one in real.all_checks()] == ["pages /a", "pages /b"]
    assert real.checks_needed == 2


@pytest.mark.parametrize(("rule", "needed"), [("", 3), ("all", 3), ("any", 1), ("2", 2), ("7", 3)])
def test_check_rule_says_how_many_must_pass(rule: str, needed: int) -> None:
    lines = "check = tcp udp http\n" + (f"check_rule = {rule}" if rule else "")
    real = read(lines)
    assert [one.name for one in real.all_checks()] == ["tcp", "udp", "http"]
    assert real.checks_needed == needed


def test_a_check_that_is_asked_for_twice_is_made_once() -> None:
    real = read("check = tcp plain tcp", "check plain {\nkind = tcp\n}")
    assert (real.more_checks, real.checks_needed) == ((), 1)


def test_a_server_may_have_checks_of_its_own() -> None:
    real = read("check = tcp http", "", "check = udp")
    assert (real.check, real.more_checks, real.checks_needed) == (Exchange(transport=Protocol.UDP), (), 1)


def test_times_come_from_the_check_block_then_the_server_then_the_virtual_server() -> None:
    block = "check slow {\nkind = tcp\ninterval = 7\nfall = 5\n}"
    real = read("check = slow udp\ninterval = 1\nrise = 4", block, "interval = 3\nfall = 9")
    slow, udp = (one.timing for one in real.all_checks())
    assert (slow.interval_s, slow.check_timeout_s, slow.fall, slow.rise) == (7, 7, 5, 4)
    assert (udp.interval_s, udp.fall, udp.rise) == (3, 9, 4)


def test_a_block_may_look_elsewhere_and_goes_before_the_server() -> None:
    block = "check admin {\nkind = tcp\nport = 9000\naddress = 10.9.9.9\n}"
    assert read("check = admin", block, "check_port = 8081").checked_at == (ip_address("10.9.9.9"), 9000)
    assert read("check = tcp", "", "check_port = 8081").checked_at == (ip_address("10.0.0.1"), 8081)


def test_with_ports_a_kind_looks_at_its_usual_port_if_it_is_one_of_them_else_at_the_first() -> None:
    assert read("ports = 443 70-90\ncheck = http").checked_at[1] == 80
    assert read("ports = 443 8080\ncheck = http").checked_at[1] == 443
    assert read("ports = 443 80\ncheck = tcp").checked_at[1] == 443


@pytest.mark.parametrize("word", list(WeightFrom))
def test_a_program_may_set_the_weight(word: WeightFrom) -> None:
    block = f'check load {{\nkind = program\nprogram = "/bin/load %h"\nweight_from = {word}\n}}'
    real = read("check = load tcp", block)
    assert real.check == Program(command=("/bin/load", "%h"), weight_from=word)
    assert real.weighed is (word is not WeightFrom.NONE)


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_bytes_are_sent_and_expected_where_x_is_any_digit(kind: str) -> None:
    block = f'check hello {{\nkind = {kind}\nsend_hex = 16 0301 ff\nexpect_hex = "15 xX 0x"\n}}'
    check = asked("check = hello", block)
    assert check.send == b"\x16\x03\x01\xff"
    assert check.expect == Expect(text=b"\x15\x00\x00", mask=b"\xff\x00\xf0")


def test_text_and_bytes_may_be_mixed() -> None:
    check = asked("check = hello", 'check hello {\nkind = tcp\nsend = "PING\\n"\nexpect_hex = 2b\n}')
    assert check == Exchange(send=b"PING\n", expect=Expect(text=b"+", mask=b"\xff"))


def test_a_udp_service_may_be_silent_unless_its_check_expects_something() -> None:
    def codes(block: str) -> list[str]:
        file = FILE % ("protocol = udp\ncheck = probe", "", f"check probe {{\n{block}\n}}")
        return [one.code for one in load(file.encode(), "lvs.cf").findings]

    assert "W027" in codes("kind = udp")
    assert "W027" not in codes("kind = udp\nexpect_hex = 00")
    assert "W027" not in codes("kind = tcp")


@pytest.mark.parametrize("kind", ["tcp", "udp", "http", "https"])
def test_a_check_goes_out_from_its_source(kind: str) -> None:
    check = asked("check = probe", f"check probe {{\nkind = {kind}\nsource = 10.0.9.2 2001:db8::2 10.0.9.2\n}}")
    assert check.sources == (ip_address("10.0.9.2"), ip_address("2001:db8::2"))


@pytest.mark.parametrize("source", ["10.0.9.2 10.0.9.3", "192.0.2.3 192.0.2.2", "10.9.9.9", "10.0.9.2 10.9.9.9"])
def test_both_routers_may_have_an_address_to_check_from(source: str) -> None:
    routers = "primary = 192.0.2.2\nprimary_private = 10.0.9.2\nbackup_active = 1\nbackup = 192.0.2.3\n"
    routers += "backup_private = 10.0.9.3\n"
    block = f"check probe {{\nkind = tcp\nsource = {source}\n}}\n"
    assert "W081" not in [
        one.code for one in load((routers + FILE % ("check = probe", "", block)).encode(), "").findings
    ]


def test_a_vip_will_do_as_source_where_the_standby_does_not_check() -> None:
    routers = "primary = 192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3\nstandby = %s\n"
    file = routers + FILE % ("check = probe", "", "check probe {\nkind = tcp\nsource = 192.0.2.10\n}\n")
    warm, cold = (load((file % standby).encode(), "").findings for standby in ("warm", "cold"))
    assert "W081" in [one.code for one in warm]
    assert "W081" not in [one.code for one in cold]


def test_a_kind_that_is_not_made_yet_is_told_and_the_server_is_asked_to_answer_at_all() -> None:
    text = FILE % ("check = secure ping", "", "check secure {\nkind = https\n}")
    loaded = load(text.encode(), "lvs.cf")
    assert [(one.code, one.span.line) for one in loaded.warnings if one.code == "W004"] == [("W004", 4)] * 2
    assert loaded.config is not None
    real = loaded.config.virtuals[0].servers[0]
    # No HTTP, although the port is 80: the file asks for something else.
    assert (real.check, real.more_checks) == (Exchange(), ())


def test_without_check_everything_is_as_it_was() -> None:
    assert server("", "port = 81").check == Exchange()
    assert server("", "port = 81").all_checks()[0].name == ""


@pytest.mark.parametrize(
    ("lines", "block"),
    [
        ("check = tcp", ""),
        ("check = a", "check a {\nkind = tcp\nport = 7\n}"),
        ("check = http tcp\ncheck_rule = any", ""),
        ("check = a tcp", "check a {\nkind = http\nexpect = OK\n}"),
        ("check = http a", "check a {\nkind = tcp\nexpect_hex = 00\n}"),
        ("check = a tcp", "check a {\nkind = http\nsource = 10.0.9.2\n}"),
    ],
)
def test_checks_are_part_of_the_meaning_of_a_file(lines: str, block: str) -> None:
    plain = config(FILE % ("check = http tcp", "", ""))
    assert meaning(config(FILE % (lines, "", block))) != meaning(plain)


def test_an_expression_that_is_none_is_an_error_also_in_a_block_that_nobody_asks_for() -> None:
    block = 'check hello {\nkind = tcp\nexpect = "["\nuse_regex = 1\n}'
    for lines in ("", "check = hello"):
        found = load((FILE % (lines, "", block)).encode(), "lvs.cf").findings
        assert [one.code for one in found if one.code == "E037"] == ["E037"]
