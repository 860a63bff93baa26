"""The demo: a whole cluster on loopback, to look at and to break."""
