"""Tokens, syntax tree, parser and printer of lvs.cf: lossless, with spans."""
