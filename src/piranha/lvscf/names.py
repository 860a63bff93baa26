"""Host names in the file: which ones there are, and the file with their addresses instead."""

from collections.abc import Container, Iterable, Iterator, Mapping

from piranha.lvscf import directives
from piranha.lvscf.addresses import ADDRESS_TYPES, address_words, is_host_name, is_plain_address
from piranha.lvscf.directives import Scope, Type
from piranha.lvscf.syntax.printer import tokens_of
from piranha.lvscf.syntax.tokens import Token, join
from piranha.lvscf.syntax.tree import Setting, Tree
from piranha.terms import Address

_ADDRESS_KEYWORDS = frozenset(
    directive.name
    for directive in directives.ALL
    if directive.type in ADDRESS_TYPES and directive.status is directives.Status.ACTED_ON
)
_ADDRESS_FIRST = _ADDRESS_KEYWORDS.difference(
    directive.name for directive in directives.ALL if directive.type in (Type.ADDRESSES, Type.HEARTBEAT_PATH)
)
"""Those whose first word alone is an address."""


def names_to_resolve(tree: Tree, nameless: Container[int] = ()) -> tuple[str, ...]:
    """Return the host names that stand where the file needs an address, each once, in file order.

    nameless: identities of blocks that are known to have none.
    """
    return tuple(dict.fromkeys(name for _, name in _named(_settings(tree, nameless))))


def with_addresses(tree: Tree, hosts: Mapping[str, Address]) -> str:
    """Return the text of the file with the address of each host name instead of it.

    A daemon that reads the file again then does not depend on the name service, and gets the same.
    """
    places = {(word.line, word.column): name for word, name in _named(_settings(tree)) if name in hosts}

    def spelt(token: Token) -> Token:
        name = places.get((token.line, token.column))
        if name is None or not token.text:
            return token
        return token._replace(text=str(hosts[name]) + token.value.removeprefix(name))

    return join(spelt(token) for token in (*tokens_of(tree.body), tree.end))


def _named(settings: Iterable[tuple[Setting, Scope]]) -> Iterator[tuple[Token, str]]:
    """Yield each word that is or begins with a host name, and that name."""
    for setting, scope in settings:
        directive = directives.find(setting.name, scope)
        for word in address_words(directive, setting.values) if directive else ():
            name = word.value.split("/", 1)[0]
            if is_host_name(name):
                yield word, name


def _settings(tree: Tree, left_out: Container[int] = ()) -> Iterator[tuple[Setting, Scope]]:
    """Yield the settings that may have a host name."""
    plain: dict[str, bool] = {}  # by the texts of server blocks: whether there is no host name in them
    for setting in tree.settings():
        if not _is_plain(setting.name, setting.lone):
            yield setting, Scope.GLOBAL
    for virtual in tree.blocks("virtual"):
        if id(virtual) in left_out:
            continue
        for setting in virtual.settings():
            if not _is_plain(setting.name, setting.lone):
                yield setting, Scope.VIRTUAL
        for server in virtual.blocks("server"):
            said = server.said
            if said is not None:
                if said not in plain:
                    plain[said] = all(_is_plain(name, lone) for name, lone in server.pairs() or ())
                if plain[said]:
                    continue
            for setting in server.settings():
                yield setting, Scope.SERVER


def _is_plain(name: str, lone: str | None) -> bool:
    """Whether a setting surely has no host name. lone: as in `Setting`."""
    if name not in _ADDRESS_KEYWORDS:
        return True
    if lone is None:
        return False
    return is_plain_address(lone.partition(" ")[0] if name in _ADDRESS_FIRST else lone)
