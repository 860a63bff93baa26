"""The one base class of the errors that Piranha raises on purpose, and those that strange data raises by itself."""

MISSHAPEN = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,  # JSON has numbers without end: 1e999
    RecursionError,
)
"""What may be raised where a value is taken apart that is not of the shape one expects, as JSON from a disk."""


class PiranhaError(Exception):
    """Something an operator can understand; its text is one clear line without a traceback."""
