"""One module a kind of probe."""
