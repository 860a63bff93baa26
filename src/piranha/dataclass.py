"""`dataclass`, `field` and `replace` of the standard library, made faster: for classes with slots.

To a type checker these are the ones of `dataclasses`. At run time that module costs a command more than all else it
loads: it brings `inspect`, `ast`, `dis` and `tokenize`, and compiles the methods of each class one by one. Here one
compilation makes those that must be fast, when the first of them is used, and all classes share the others; values
are also made in less time.

What is not here: fields inherited from another dataclass, InitVar, ClassVar, KW_ONLY. `fields`, `asdict`, `replace` and
`is_dataclass` of the standard library take these classes as their own (docs/decisions/0022-start.md).
"""

from __future__ import annotations

from piranha import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_ABSENT: Any = object()
_FIELDS = "__fields_of_piranha__"


class _Field:
    """What a class says of one field, see `dataclasses.field`."""

    __slots__ = ("arguments", "compare", "default", "default_factory", "init", "repr")

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.default = arguments.get("default", _ABSENT)
        self.default_factory = arguments.get("default_factory", _ABSENT)
        self.init: bool = arguments.get("init", True)
        self.repr: bool = arguments.get("repr", True)
        self.compare: bool = arguments.get("compare", True)


def _dataclass(
    *, slots: bool, frozen: bool = False, eq: bool = True, order: bool = False, kw_only: bool = False
) -> Callable[[type], type]:
    """Return what makes a class of fields, see `dataclasses.dataclass`. slots: must be true."""
    if not slots:
        raise TypeError("classes without slots are made by the standard library")

    def made(origin: type) -> type:
        if any("__dataclass_fields__" in vars(base) for base in origin.__mro__):
            raise TypeError(f"{origin.__name__} inherits fields")
        own = dict(vars(origin))
        fields = {name: _field_of(name, own.pop(name, _ABSENT)) for name in origin.__annotations__}
        wanted = {"__init__": True, "__eq__": eq, "__hash__": eq and frozen}
        methods = [name for name, needed in wanted.items() if needed]

        def finish() -> dict[str, Any]:
            namespace: dict[str, Any] = {"_ABSENT": _ABSENT}
            for name in fields:
                namespace[f"_set_{name}"] = vars(cls)[name].__set__  # past `__setattr__`, and faster
            lines = _init(fields, namespace, frozen=frozen, kw_only=kw_only, ends="__post_init__" in own)
            if eq:
                lines += _equality(fields, frozen=frozen)
            # As the standard library does; the names are those of our code.
            exec("\n".join(lines), namespace)  # noqa: S102
            for name in methods:
                namespace[name].__qualname__ = f"{origin.__qualname__}.{name}"
                if isinstance(vars(cls)[name], _Later):
                    setattr(cls, name, namespace[name])
            return namespace

        body: dict[str, Any] = {name: _Later(name, finish) for name in methods}
        if eq and not frozen:
            body["__hash__"] = None
        if order:
            body |= _ordering([name for name, field in fields.items() if field.compare])
        body |= {"__repr__": _repr, **own} | (_FROZEN if frozen else {}) | _SHARED
        body |= {"__slots__": tuple(fields), _FIELDS: fields, "__dataclass_fields__": _StandardFields()}
        body["__dataclass_params__"] = _Parameters if frozen else _ParametersOfMutable
        body["__match_args__"] = tuple(name for name, field in fields.items() if field.init and not kw_only)
        body["__qualname__"] = origin.__qualname__
        for name in ("__dict__", "__weakref__"):
            body.pop(name, None)
        cls = type(origin)(origin.__name__, origin.__bases__, body)
        return cls

    return made


class _Later:
    """A method of a class that nobody has used yet: many classes are loaded and few of them made in one run."""

    def __init__(self, name: str, finish: Callable[[], dict[str, Any]]) -> None:
        self._name, self._finish = name, finish

    def __get__(self, value: object, cls: type) -> Any:
        method = self._finish()[self._name]
        return method if value is None else method.__get__(value, cls)


def _field_of(name: str, said: Any) -> _Field:
    field = said if isinstance(said, _Field) else _Field() if said is _ABSENT else _Field(default=said)
    if field.default.__class__.__hash__ is None:
        raise ValueError(f"all values would share the default of {name}: use default_factory")
    return field


def _init(
    fields: dict[str, _Field], namespace: dict[str, Any], *, frozen: bool, kw_only: bool, ends: bool
) -> list[str]:
    """Return the lines of `__init__`, put what it needs into `namespace`. ends: whether there is a `__post_init__`."""
    parameters, lines = ["self"], []
    if kw_only and any(field.init for field in fields.values()):
        parameters.append("*")
    for name, field in fields.items():
        value, parameter = name, name
        if field.default_factory is not _ABSENT:
            namespace[f"_make_{name}"] = field.default_factory
            value = f"_make_{name}() if {name} is _ABSENT else {name}" if field.init else f"_make_{name}()"
            parameter = f"{name}=_ABSENT"
        elif field.default is not _ABSENT:
            namespace[f"_default_{name}"] = field.default
            value = name if field.init else f"_default_{name}"
            parameter = f"{name}=_default_{name}"
        elif not field.init:
            continue
        if field.init:
            parameters.append(parameter)
        lines.append(f" _set_{name}(self, {value})" if frozen else f" self.{name} = {value}")
    if ends:
        lines.append(" self.__post_init__()")
    return [f"def __init__({', '.join(parameters)}):", *(lines or [" pass"])]


def _equality(fields: dict[str, _Field], *, frozen: bool) -> list[str]:
    compared = [name for name, field in fields.items() if field.compare]
    ours, theirs = ("".join(f"{of}.{name}, " for name in compared) for of in ("self", "other"))
    lines = [
        "def __eq__(self, other):",
        f" return ({ours}) == ({theirs}) if other.__class__ is self.__class__ else NotImplemented",
    ]
    return [*lines, "def __hash__(self):", f" return hash(({ours}))"] if frozen else lines


def _ordering(names: list[str]) -> dict[str, Any]:
    from operator import attrgetter, ge, gt, le, lt  # noqa: PLC0415 -- few classes have an order

    values = attrgetter(*names)

    def by(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
        def method(self: Any, other: Any) -> bool:
            return compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

        return method

    return {"__lt__": by(lt), "__le__": by(le), "__gt__": by(gt), "__ge__": by(ge)}


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, field in getattr(self, _FIELDS).items() if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(_self: object, name: str, _value: object = None) -> NoReturn:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415 -- only a mistake needs it

    raise FrozenInstanceError(f"cannot change field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _FIELDS)]


def _setstate(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(self, _FIELDS), state, strict=True):
        object.__setattr__(self, name, value)


def _replace(value: Any, /, **changes: Any) -> Any:
    """Return `value` with other values of some fields, see `dataclasses.replace`."""
    for name, field in getattr(value, _FIELDS).items():
        if field.init:
            changes.setdefault(name, getattr(value, name))
    return type(value)(**changes)


def field_names(kind: type) -> tuple[str, ...] | None:
    """Return the names of what values of a class are made of, of the standard library too; None for a class without."""
    if _FIELDS in vars(kind):
        return tuple(name for name, one in vars(kind)[_FIELDS].items() if one.init)
    import dataclasses  # noqa: PLC0415 -- few need it

    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(one.name for one in dataclasses.fields(kind) if one.init)


class _StandardFields:
    """The fields as `dataclasses` wants them, made when it asks for them."""

    def __get__(self, _value: object, cls: Any) -> Any:
        import dataclasses  # noqa: PLC0415 -- few need it

        fields = getattr(cls, _FIELDS)
        said = {name: dataclasses.field(**field.arguments) for name, field in fields.items()}
        twin: Any = type(cls.__name__, (), {"__annotations__": cls.__annotations__, **said})
        found = dataclasses.dataclass(kw_only=True)(twin).__dataclass_fields__
        cls.__dataclass_fields__ = found
        return found


class _Parameters:
    """What the standard library asks of a class that one of its own inherits from."""

    frozen = True


class _ParametersOfMutable:
    """The same."""

    frozen = False


_FROZEN = {"__setattr__": _refuse, "__delattr__": _refuse}
_SHARED = {"__getstate__": _getstate, "__setstate__": _setstate, "__replace__": _replace}

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _Field, _replace

__all__ = ["dataclass", "field", "field_names", "replace"]
