"""`send_arp`: arguments, frames and messages of the original."""

from ipaddress import ip_address

import pytest

from piranha.cli.send_arp import USAGE, main, parse

MAC = "02:00:5e:00:53:01"


def test_the_frame_is_that_of_the_original() -> None:
    announcement = parse(["-i", "eth1", "192.0.2.10", MAC, "192.0.2.255", "ffffffffffff"])

    assert announcement.device == "eth1"
    assert announcement.frame(router=True) == bytes.fromhex(
        "ffffffffffff 02005e005301 0806 0001 0800 06 04 0002"
        "02005e005301 c000020a"  # sender: arguments 2 and 1
        "02005e005301 c000020a" + "00" * 18  # target: the same; argument 3 is ignored
    )


def test_the_ethernet_destination_is_argument_4() -> None:
    frame = parse(["192.0.2.10", MAC, "192.0.2.255", "020000000009"]).frame(router=True)

    assert frame[:6] == bytes.fromhex("020000000009")


def test_without_a_device_it_is_eth0() -> None:
    assert parse(["192.0.2.10", MAC, "192.0.2.255", "ffffffffffff"]).device == "eth0"


def test_an_ipv6_address_gives_an_unsolicited_neighbour_advertisement_to_all_nodes() -> None:
    frame = parse(["2001:db8::1", MAC, "ff02::1", "ffffffffffff"]).frame(router=False)

    assert frame[:14] == bytes.fromhex("333300000001 02005e005301 86dd")
    assert frame[54:56] == bytes.fromhex("8800")


def test_a_host_name_is_an_address_too() -> None:
    assert parse(["localhost", MAC, "192.0.2.255", "ffffffffffff"]).address == ip_address("127.0.0.1")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["192.0.2.10"],
        ["-i", "eth0", "192.0.2.10", MAC, "192.0.2.255"],
        ["-x", "eth0", "192.0.2.10", MAC, "192.0.2.255", "ffffffffffff"],
        ["-i", MAC, "192.0.2.255", "ffffffffffff"],
        ["192.0.2.10", MAC, "192.0.2.255", "ffffffffffff", "more"],
    ],
)
def test_any_other_number_of_arguments_prints_the_usage_and_fails(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    assert capsys.readouterr().err == USAGE + "\n"


def test_a_bad_hardware_address_is_named_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["192.0.2.10", "02:00", "192.0.2.255", "ffffffffffff"]) == 1
    assert capsys.readouterr().err == "Invalid hardware address\n"


def test_an_unknown_host_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no such host", MAC, "192.0.2.255", "ffffffffffff"]) == 1
    assert capsys.readouterr().err == "send_arp: unknown host no such host\n"


def test_a_device_that_does_not_exist_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-i", "nodevice0", "192.0.2.10", MAC, "192.0.2.255", "ffffffffffff"]) == 1

    # Who may not open a packet socket learns that instead.
    words = capsys.readouterr().err
    assert words.startswith(("send_arp: nodevice0: ", "send_arp: socket: Operation not permitted"))
    assert words.count("\n") == 1
