"""How long a dead real server stays in its pool, by all of its checks."""

from piranha.lvscf.config import RealServer


def out_by_s(server: RealServer) -> float:
    """Return the longest time that a dead `server` stays in the pool, whether it refuses or hangs.

    Dead means that every check fails: by `check_rule` the server leaves with the check after which so many as are
    needed cannot pass any more. With `all` that is the quickest one, with `any` the slowest.
    """
    if not server.more_checks:
        return server.timing.out_by_s
    times = sorted(one.timing.out_by_s for one in server.all_checks())
    return times[len(times) - server.checks_needed]
