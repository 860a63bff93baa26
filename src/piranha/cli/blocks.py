"""What a NAME means in `piranha set` and `unset`: the file itself, or blocks of it."""

from dataclasses import dataclass

from piranha.cli.names import nearest, resolve
from piranha.errors import PiranhaError
from piranha.lvscf.config import Config
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import Scope
from piranha.lvscf.elaborate_virtual import Names, unique_name
from piranha.lvscf.syntax.tree import Block, Tree

FILE = "global"


class NoSuchName(PiranhaError):
    """No block has this name; the text names those that come near."""


@dataclass(frozen=True, slots=True)
class Place:
    """A block by its name as screens show it; `global` with no block is the file itself."""

    name: str
    block: Block | None

    @property
    def scope(self) -> Scope:
        """Where its keywords belong."""
        return Scope.GLOBAL if self.block is None else Scope(self.block.keyword.text)


def find(name: str, tree: Tree, config: Config | None) -> list[Place]:
    """Return every block that `name` stands for, in file order. Raises NoSuchName.

    `www`, `www/web3`, `*/web3`, `10.11.12.23`, `10.11.12.23:8443`, `check/healthz`, `global`. config: what the
    file means, None where it has errors: then no server is found by its address.
    """
    if name == FILE:
        return [Place(FILE, None)]
    blocks = named_blocks(tree)
    names = list(dict.fromkeys(resolve(name, _facts(blocks, config)))) or [name]
    if not all(one in blocks for one in names):
        raise NoSuchName(f"{name}: no virtual server, server or address of this name{nearest(name, [FILE, *blocks])}")
    return [Place(one, blocks[one]) for one in names]


def named_blocks(tree: Tree) -> dict[str, Block]:
    """Return every block by its name: `www`, `www/web3`, `check/healthz`; a second `www` is `www#2`, as in `status`."""
    found: dict[str, Block] = {}
    names = Names()
    for virtual in _named(tree, "virtual"):
        name = unique_name(virtual, names, Findings())
        found[name] = virtual
        servers = Names()
        for server in _named(virtual, "server"):
            found[f"{name}/{unique_name(server, servers, Findings())}"] = server
    for kind in ("check", "failover"):
        names = Names()
        for block in _named(tree, kind):
            found.setdefault(f"{kind}/{unique_name(block, names, Findings())}", block)
    return found


def _named(within: Tree | Block, kind: str) -> list[Block]:
    return [block for block in within.blocks(kind) if block.name is not None]


def _facts(blocks: dict[str, Block], config: Config | None) -> dict[str, object]:
    """Return the blocks as `status` would tell of them, which is what `resolve` reads."""
    known = {
        f"{virtual.name}/{server.name}": {"address": str(server.address), "port": server.port}
        for virtual in (config.virtuals if config else ())
        for server in virtual.servers
    }
    virtuals: dict[str, list[dict[str, object]]] = {}
    for name, block in blocks.items():
        if block.keyword.text == "virtual":
            virtuals[name] = []
        elif block.keyword.text == "server":
            virtual, _, server = name.rpartition("/")
            virtuals.setdefault(virtual, []).append({"name": server, **known.get(name, {})})
    return {"virtuals": [{"name": name, "servers": servers} for name, servers in virtuals.items()]}
