"""The one base class of the errors that Piranha raises on purpose."""


class PiranhaError(Exception):
    """Something an operator can understand; its text is one clear line without a traceback."""
