"""Codes about rules over a whole pool: how few servers may be left, how weights come back."""

from piranha.lvscf.codes.story import Story, Within

_A = "server a { active = 1; address = 10.0.0.21; weight = 10 }"
_TWO = f"{_A}\n{_A.replace('server a', 'server b').replace('21', '22')}"

POOL: dict[str, Story] = {
    "E065": Story(
        means="The longest reentry is shorter than reentry itself.",
        within=Within.VIRTUAL,
        bad="reentry = 60\nreentry_max = 30",
        good="reentry = 60\nreentry_max = 10m",
        why="reentry doubles up to reentry_max: nobody can say which of the two you meant.",
        cure="Write a longer reentry_max, or leave it out.",
    ),
    "E066": Story(
        means="A check with several paths, and not all checks have to pass.",
        bad="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    address = 192.0.2.10\n    check = pages\n    "
        f"check_rule = any\n    {_A}\n}}\ncheck pages {{\n    kind = http\n    path = /a\n    path = /b\n}}",
        good="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    address = 192.0.2.10\n    check = a b\n    "
        f"check_rule = any\n    {_A}\n}}\ncheck a {{ kind = http; path = /a }}\ncheck b {{ kind = http; path = /b }}",
        why="Of several paths all must pass, of the checks not: counted one by one, half a check would do.",
        cure="Write a check block for each path.",
    ),
    "W062": Story(
        means="A weight of 1 cannot begin smaller.",
        within=Within.VIRTUAL,
        bad="slow_start = 60\nserver a { active = 1; address = 10.0.0.21 }",
        good="slow_start = 60\nserver a { active = 1; address = 10.0.0.21; weight = 100 }",
        why="Weights are whole numbers: a server that comes back gets its full share at once.",
        cure="Give every server of the pool the same larger weight, such as 100: what counts is how they compare.",
    ),
    "W063": Story(
        means="The quorum is more servers than there are.",
        within=Within.VIRTUAL,
        bad=f"sorry_server = 10.0.0.99\nquorum = 3\n{_TWO}",
        good=f"sorry_server = 10.0.0.99\nquorum = 2\n{_TWO}",
        why="Clients would see nothing but the sorry server, however well the others are.",
        cure="Lower quorum, or write it as a share such as 50%.",
    ),
    "W064": Story(
        means="keep_active keeps every server of the pool.",
        within=Within.VIRTUAL,
        bad=f"keep_active = 2\n{_TWO}",
        good=f"keep_active = 1\n{_TWO}",
        why="Checks run and take nobody out: a dead server goes on getting connections.",
        cure="Keep fewer servers than there are.",
    ),
}
