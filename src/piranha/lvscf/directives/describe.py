"""A keyword in words: what may stand behind `=`, and an example. For `piranha help` and forms."""

from piranha.lvscf.directives.directive import Directive, Type

_TAKES: dict[Type, str] = {
    Type.BOOL: "0 or 1",
    Type.INT: "a whole number",
    Type.COUNT_OR_PERCENT: "a whole number, or a percentage such as 50%",
    Type.PERCENTS: "one or two percentages, such as 10% 100%",
    Type.PERCENT: "a percentage, 0% to 100%",
    Type.PORT: "a port: a number or the name of a service",
    Type.PORTS: "ports and ranges of ports, such as 80 443 8000-8010",
    Type.DURATION: "a time: seconds, or a number with ms, s, m or h",
    Type.KERNEL_VALUE: "keep, or what the kernel takes: a number; vs_sync_threshold two numbers",
    Type.ADDRESS: "an address, IPv4 or IPv6",
    Type.ADDRESSES: "one or more addresses",
    Type.OWN_ADDRESSES: "one or more addresses, no host names",
    Type.GROUP: "a multicast address",
    Type.FLOATING: "an address, then its device: an interface, public or private",
    Type.HOSTPORT: "an address, and a port behind it if need be",
    Type.HEARTBEAT_PATH: "the primary's address, the backup's address, and a name if need be",
    Type.NETMASK: "a netmask such as 255.255.255.0, or /24",
    Type.PERSISTENCE_MASK: "a netmask such as 255.255.255.0, or /24",
    Type.DEVICE: "an interface, public or private",
    Type.WORD: "one word",
    Type.WORDS: "one or more words",
    Type.CHOICE: "one of: ",
    Type.CHOICES: "one or more of: ",
    Type.CHOICE_OR_DURATION: "a time (seconds, or a number with ms, s, m or h), or one of: ",
    Type.LISTEN: "an address or private, and a port behind a colon if need be",
    Type.URL: "an http or https address",
    Type.HEX: "pairs of hexadecimal digits",
    Type.HEX_PATTERN: "pairs of hexadecimal digits, x for any digit",
    Type.TEXT: "a text, in double quotes if it has blanks",
    Type.PATH: "an absolute path",
    Type.COMMAND: "a program by its absolute path, with its arguments, in double quotes",
    Type.OLD_LIST: "a list in brackets: [ a b ]",
    Type.ANYTHING: "anything",
}

# Where the default would be no example, or there is none.
_BY_TYPE: dict[Type, str] = {
    Type.BOOL: "1",
    Type.INT: "10",
    Type.COUNT_OR_PERCENT: "2",
    Type.PERCENTS: "10% 100%",
    Type.PERCENT: "25%",
    Type.PORT: "8080",
    Type.PORTS: "80 443 8000-8010",
    Type.DURATION: "30",
    Type.KERNEL_VALUE: "1",
    Type.ADDRESS: "10.0.0.21",
    Type.ADDRESSES: "192.0.2.1 192.0.2.254",
    Type.OWN_ADDRESSES: "10.0.0.2 10.0.0.3",
    Type.GROUP: "224.0.0.82",
    Type.FLOATING: "192.0.2.10 eth0",
    Type.HOSTPORT: "10.0.0.99 8080",
    Type.HEARTBEAT_PATH: "172.31.255.1 172.31.255.2 cable",
    Type.NETMASK: "255.255.255.0",
    Type.PERSISTENCE_MASK: "255.255.255.0",
    Type.DEVICE: "private",
    Type.WORD: "name",
    Type.WORDS: "eth0 eth1",
    Type.CHOICE_OR_DURATION: "30",
    Type.LISTEN: "10.0.0.2:3636",
    Type.URL: "https://example.net/events",
    Type.HEX: '"16 03 01"',
    Type.HEX_PATTERN: '"16 03 xx"',
    Type.TEXT: '"text"',
    Type.PATH: "/etc/piranha/file",
    Type.COMMAND: '"/usr/local/bin/script.sh"',
    Type.OLD_LIST: "[ a b ]",
    Type.ANYTHING: "x",
}

_BY_NAME: dict[str, str] = {
    "active_cmd": '"/etc/piranha/notify.sh active"',
    "answer": "10.0.0.21",
    "backup": "192.0.2.3",
    "backup_private": "10.0.0.3",
    "check": "https",
    "cluster": "example-net",
    "database": "shop",
    "expect": '"HTTP/1.1 200"',
    "failback": "never",
    "hard_shutdown": "0",
    "header": '"X-Check: piranha"',
    "heartbeat_key_file": "/etc/piranha/heartbeat.key",
    "host": "www.example.net",
    "inactive_cmd": '"/etc/piranha/notify.sh standby"',
    "ip_forward": "1",
    "load_monitor": "uptime",
    "maintenance_dir": "/etc/piranha/maintenance",
    "method": "HEAD",
    "metrics_listen": "10.0.0.2:9100",
    "monitor_devices": "eth0 eth1",
    "name": "www.example.net",
    "nat_router": "10.0.0.1 private",
    "nat_router6": "2001:db8:1::1/64 private",
    "notify_mail": "admin@example.net",
    "notify_mail_from": "piranha@example.net",
    "notify_url": "https://example.net/events",
    "notify_user": "piranha",
    "password_file": "/etc/piranha/check.password",
    "path": "/healthz",
    "pmask": "/24",
    "primary": "192.0.2.2",
    "primary_private": "10.0.0.2",
    "program": '"/usr/local/bin/probe.sh %h %p"',
    "quorum": "50%",
    "script_user": "nobody",
    "scheduler_flags": "fallback",
    "send": r'"GET / HTTP/1.0\r\n\r\n"',
    "send_program": '"/usr/local/bin/probe.sh %h %p"',
    "serial_no": "42",
    "share_checks": "0",
    "sni": "www.example.net",
    "status": "200 204 300-302",
    "timeout": "6",
    "type": "AAAA",
    "user": "monitor",
    "persistence_engine": "sip",
    "vs_NAME": "1",
    "web_listen": "10.0.0.2:3636",
    "weight": "10",
}


def takes(directive: Directive) -> str:
    """Return what may stand behind `=`, with its bounds and unit."""
    text = _TAKES[directive.type] + ", ".join(directive.choices)
    low, high = directive.low, directive.high
    unit = f" {directive.unit}" if directive.unit else ""
    if low is not None and high is not None:
        return f"{text}; {low:.12g} to {high:.12g}{unit}"
    if low is not None:
        return f"{text}; at least {low:.12g}{unit}"
    return f"{text}, in {directive.unit}" if unit else text


def example(directive: Directive) -> str:
    """Return a value that stands for what people write: mostly another than the default."""
    if directive.name in _BY_NAME:
        return _BY_NAME[directive.name]
    if directive.choices:
        return next((word for word in directive.choices if word != directive.default), directive.default)
    if directive.type is Type.DURATION and directive.fixed and directive.default != "0":
        return directive.default
    return _BY_TYPE[directive.type]
