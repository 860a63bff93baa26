"""Files as people write them: every layout the rules allow, with comments, and a Config behind each."""

from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from piranha.lvscf.config import Config

BLANKS = ["", " ", "  ", "\t"]
COMMENTS = ["", "", "", " # why", "   # see ticket 12; ask {ops}", "\t#"]


class Layout:
    """Draws one file, piece by piece, in one style with exceptions."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.newline = self.pick("\n", "\n", "\r\n")
        self.step = self.pick("    ", "     ", "\t", "")

    def pick(self, *options: str) -> str:
        """One of these."""
        return self.random.choice(options)

    def chance(self) -> bool:
        """Now and then."""
        return self.random.randrange(4) == 0

    def line(self, indent: str, text: str) -> str:
        """A line of its own, sometimes with a comment above, a blank line, or a comment behind."""
        above = ""
        if self.chance():
            above = self.pick(self.newline, f"{indent}# about the next{self.newline}", f"# x = 1 {{{self.newline}")
        return f"{above}{indent}{text}{self.pick(*COMMENTS)}{self.pick('', '', ' ')}{self.newline}"

    def setting(self, keyword: str, value: str) -> str:
        """A setting without its line."""
        equals = self.pick(" = ", " = ", " = ", "=", "   =  ", "\t= ")
        return f"{keyword}{equals}{value}"

    def block(self, indent: str, head: str, settings: list[str], inner: str = "") -> str:
        """A block: on one line where it has settings only, or on several."""
        if not inner and self.chance():
            last = self.pick("", ";", " ;") if settings else ""
            text = self.pick("; ", ";  ", " ; ").join(settings) + last
            return self.line(indent, f"{head} {{{self.pick(' ', '  ')}{text}{self.pick(' ', '')}}}")
        opener = self.pick(f"{head} {{", f"{head} {{", f"{head}{{", f"{head}{self.newline}{indent}{{")
        body = "".join(self.line(indent + self.step, one) for one in settings)
        return self.line(indent, opener) + body + inner + self.line(indent, "}")


def files() -> st.SearchStrategy[str]:
    """Files that load without an error."""
    return st.integers(0, 1 << 32).map(file)


def file(seed: int) -> str:
    """One of them; drawn by its number, which takes a tenth of the time of drawing each piece."""
    layout = Layout(Random(seed))

    def some(settings: dict[str, str]) -> list[str]:
        chosen = [layout.setting(keyword, value) for keyword, value in settings.items() if layout.chance()]
        return [*chosen, layout.setting(*next(iter(settings.items())))] if chosen and layout.chance() else chosen

    def server(name: str, place: int) -> str:
        settings = [layout.setting("active", "1"), layout.setting("address", f"10.0.{place}")]
        settings += some({"weight": layout.pick(*"123456789"), "upper_threshold": "200"})
        return layout.block(layout.step, f"server {name}", settings)

    def virtual(place: int) -> str:
        settings = [layout.setting("active", "1"), layout.setting("address", f"192.0.2.{place} eth0:{place}")]
        settings += some({"port": "443", "persistent": "30", "scheduler": "wrr", "quiesce_server": "1"})
        settings += some({"send": r'"GET / HTTP/1.0\r\n; } # \"x\""', "expect": '"HTTP"'})
        names = ["web1", '"web 2"', "web3"][: layout.random.randrange(4)]
        servers = "".join(server(name, place * 10 + at) for at, name in enumerate(names))
        return layout.block("", f"virtual v{place}", settings, servers)

    top = some({"serial_no": "7", "cluster": '"my net"', "repair_interval": "20s", "arp_count": "3"})
    text = "".join(layout.line("", one) for one in top)
    text += "".join(virtual(place) for place in range(1, layout.random.randrange(2, 5)))
    text += "".join(layout.line("", one) for one in some({"primary": "192.0.2.2", "monitor_hosts": "10.0.0.1"}))
    if layout.chance():
        text = text.removesuffix(layout.newline)
    return ("\ufeff" if layout.chance() else "") + text


def unlined(config: Config) -> Config:
    """The same without the numbers of lines."""
    return replace(
        config,
        virtuals=tuple(
            replace(virtual, line=0, servers=tuple(replace(server, line=0) for server in virtual.servers))
            for virtual in config.virtuals
        ),
    )
