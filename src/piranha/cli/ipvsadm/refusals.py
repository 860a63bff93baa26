"""What the C tool says when the kernel refuses: scripts look for these texts."""

import errno

from piranha.cli.ipvsadm.usage import Verb

_NO_ENGINE = "Scheduler or persistence engine not found"

_BY_VERB = {
    (Verb.ADD, errno.EEXIST): "Service already exists",
    (Verb.ADD, errno.ENOENT): _NO_ENGINE,
    (Verb.EDIT, errno.ESRCH): "No such service",
    (Verb.EDIT, errno.ENOENT): _NO_ENGINE,
    (Verb.DELETE, errno.ESRCH): "No such service",
    (Verb.LIST, errno.ESRCH): "No such service",
    (Verb.ZERO, errno.ESRCH): "No such service",
    (Verb.ADD_SERVER, errno.ESRCH): "Service not defined",
    (Verb.ADD_SERVER, errno.EEXIST): "Destination already exists",
    (Verb.EDIT_SERVER, errno.ESRCH): "Service not defined",
    (Verb.EDIT_SERVER, errno.ENOENT): "No such destination",
    (Verb.DELETE_SERVER, errno.ESRCH): "Service not defined",
    (Verb.DELETE_SERVER, errno.ENOENT): "No such destination",
    (Verb.START_DAEMON, errno.EEXIST): "Daemon has already run",
    (Verb.STOP_DAEMON, errno.ESRCH): "No daemon is running",
}
_GENERAL = {
    errno.EPERM: "Permission denied (you must be root)",
    errno.EINVAL: "Invalid operation.  Possibly wrong module version, address not unicast, ...",
    errno.ENOPROTOOPT: "Protocol not available",
    errno.ENOMEM: "Memory allocation problem",
    errno.EOPNOTSUPP: "Operation not supported with IPv6",
    errno.EAFNOSUPPORT: "Operation not supported with specified address family",
    errno.EMSGSIZE: "Module is wrong version",
}


def refusal(verb: Verb | None, code: int, fallback: str) -> str:
    """Return the text for an errno value; fallback: what the system calls it."""
    if verb is not None and (verb, code) in _BY_VERB:
        return _BY_VERB[verb, code]
    return _GENERAL.get(code, fallback)
