"""Errors of forwarding planes."""

from piranha.errors import PiranhaError


class PlaneUnavailable(PiranhaError):
    """The plane cannot be reached; the text names the cause and the cure (for example the missing module)."""
