"""How verbs write services."""

from piranha.cli.words import services_words


def test_services_that_differ_in_the_port_only_are_one_word() -> None:
    ports = (80, 443, *range(8000, 8011), 9000, 9001)
    services = [f"tcp 192.0.2.10:{port}" for port in ports]
    assert services_words(services) == "tcp 192.0.2.10:80,443,8000-8010,9000-9001"


def test_services_of_several_addresses_and_marks_stay_apart() -> None:
    services = ["udp 192.0.2.10:53", "tcp 192.0.2.10:53", "tcp [2001:db8::1]:53", "mark 20", "mark 20 ipv6"]
    assert services_words(services) == ", ".join(services)
