"""From the tree back to text; a tree that nobody edited prints as the file it was read from."""

from collections.abc import Iterable, Iterator

from piranha.lvscf.syntax.tokens import Token, join
from piranha.lvscf.syntax.tree import Block, Node, Tree


def print_tree(tree: Tree) -> str:
    """Return the text of the file."""
    return join(tokens_of(tree.body)) + join([tree.end])


def tokens_of(nodes: Iterable[Node]) -> Iterator[Token]:
    """Yield every token of `nodes` in file order."""
    for node in nodes:
        if isinstance(node, Block):
            yield from node.head
            yield from tokens_of(node.body)
            yield from node.tail
        else:
            yield from node.tokens
