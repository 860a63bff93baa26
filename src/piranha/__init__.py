"""Piranha: a load-balancer cluster for Linux Virtual Server."""

__version__ = "0.1.0"

TYPE_CHECKING = False
"""What type checkers take for true. `typing` itself takes longer to load than a short command to run."""
