"""Codes about the file as a text: its bytes, blocks, quotes and names."""

from piranha.lvscf.codes.story import Story, Within

_SERVED = """virtual web {
    active = 1
    address = 192.0.2.10 eth0
    server web1 { active = 1; address = 10.0.0.21 }
}"""

SYNTAX: dict[str, Story] = {
    "E001": Story(
        means="The file has no settings at all. An empty or half-written file must not remove a running service.",
        bad="# nothing but a comment",
        good=f"primary = 192.0.2.2\n{_SERVED}",
        why="A full disk or a broken copy leaves an empty file behind. Were it taken for a wish, the next reload would "
        "remove every virtual server.",
        cure="Write the file again. What runs goes on with the file accepted last, which the daemons keep: lvs.cf in "
        "their state folder.",
    ),
    "E002": Story(
        means="A quoted text has no closing quote on its line, or something sticks to it.",
        within=Within.VIRTUAL,
        bad='send = "GET / HTTP/1.0\\r\\n\\r\\n',
        good='send = "GET / HTTP/1.0\\r\\n\\r\\n"',
        why="Where a text ends is a guess then; a check that sends the wrong text takes healthy servers out.",
        cure='Close the quote on the same line, and leave a blank behind it. A quote inside of the text is \\".',
    ),
    "E003": Story(
        means="A word too many: the keyword takes fewer values, or a text with blanks has no quotes.",
        within=Within.VIRTUAL,
        bad="port = 80 443",
        good="port = 80",
        why="Whoever wrote it meant something by the second word. To drop it silently serves half of what was meant.",
        cure="Put a text with blanks into double quotes; otherwise remove the word. A } stands on a line of its own.",
    ),
    "E004": Story(
        means="There is no = behind the keyword.",
        within=Within.VIRTUAL,
        bad="port 80",
        good="port = 80",
        why="A line that sets nothing would leave the default in force without a word.",
        cure="Write KEYWORD = VALUE.",
    ),
    "E005": Story(
        means="A value, a name or a brace is missing.",
        within=Within.VIRTUAL,
        bad="scheduler =",
        good="scheduler = wlc",
        why="A template whose variable was empty writes such lines; the default is seldom what it meant.",
        cure="Write the value, or remove the line to get the default (piranha help KEYWORD names it).",
    ),
    "E006": Story(
        means="No keyword has this name.",
        within=Within.VIRTUAL,
        bad="schedular = rr",
        good="scheduler = rr",
        why="A misspelt keyword that is passed over leaves the default in force, and nobody learns of it until it "
        "matters.",
        cure="Take the name that the hint offers; piranha help KEYWORD tells what each does.",
    ),
    "E007": Story(
        means="A } with no block to close.",
        bad=f"primary = 192.0.2.2\n{_SERVED}\n}}",
        good=f"primary = 192.0.2.2\n{_SERVED}",
        why="One } too many has closed a block too early: servers that you see in the file may belong to no service.",
        cure="Remove it, or look above for a block that lacks its {.",
    ),
    "E008": Story(
        means="A block cannot stand here; most often the } of the block above is missing.",
        bad=f"primary = 192.0.2.2\n{_SERVED}\nserver web2 {{ active = 1; address = 10.0.0.22 }}",
        good=f"primary = 192.0.2.2\n{_SERVED}",
        why="A server in no virtual block serves nothing, and a virtual block inside of another is lost with it.",
        cure="Close the block above with a } on a line of its own; server blocks stand inside of virtual blocks.",
    ),
    "E009": Story(
        means="The file ends in a block that has nothing in it.",
        bad=f"primary = 192.0.2.2\n{_SERVED}\nvirtual dns {{",
        good=f"primary = 192.0.2.2\n{_SERVED}",
        why="The file was cut off while it was written or copied. What stood behind is lost.",
        cure="Write or copy the file again, beside the old one, and rename it: then it is never read half.",
    ),
    "E024": Story(
        means="The file has zero bytes: it is no text.",
        why="A machine that lost power leaves zeros where the text was; a file saved as UTF-16 has them, too.",
        cure="Take the file from the other router or from your copies; save it as UTF-8.",
    ),
    "E025": Story(
        means="The file, or one of its lines, is too large to be an lvs.cf.",
        why="Reading something endless would keep a daemon from its work, and might take its memory.",
        cure="Look at what was copied there. 1000 virtual servers with 10 real servers each are about 1 MB; the limits "
        "stand in lvs.cf(5).",
    ),
    "E047": Story(
        means="A name or a value is longer than any that makes sense.",
        within=Within.VIRTUAL,
        bad=f'send = "{"GET " * 1100}"',
        good='send = "GET / HTTP/1.0\\r\\n\\r\\n"',
        why="Such a line comes from a lost quote or a broken template. Sent to a server it would fail every check.",
        cure="Look for the quote that is missing. 4096 characters are the limit; a check that needs more is a program.",
    ),
    "E049": Story(
        means="The lines end in carriage returns alone, as on an old Mac: to a parser the file is one line.",
        why="The original read the first setting of such a file and passed over all others.",
        cure="Write the line ends again: tr '\\r' '\\n' <OLD >NEW.",
    ),
    "E050": Story(
        means="The file ends before the } of a block. A file that was cut off must not remove running servers.",
        bad="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    address = 192.0.2.10 eth0",
        good="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n}",
        why="A copy that broke off has fewer servers than the file it was made of. Taken as it is, it would empty a "
        "pool.",
        cure="If nothing is missing, write the }. Otherwise copy the file again, beside the old one, and rename it.",
    ),
    "W002": Story(
        means="A keyword is given twice in a block. The last one counts, as ever.",
        within=Within.VIRTUAL,
        bad="scheduler = rr\nscheduler = wlc",
        good="scheduler = wlc",
        why="Whoever edits the upper line and reloads wonders why nothing changes.",
        cure="Remove one of the two lines.",
    ),
    "W003": Story(
        means="The keyword of the original has no effect here.",
        within=Within.GLOBAL,
        bad="ipvsadm = /usr/local/sbin/ipvsadm",
        good="cluster = example-net",
        why="It costs nothing, but who reads the file believes that it does something.",
        cure="The hint says what to do instead; then remove the line.",
    ),
    "W004": Story(
        means="The keyword is known, but this version does nothing with it yet.",
        within=Within.GLOBAL,
        bad="witness = 198.51.100.9",
        good="failback = never",
        why="Do not count on it: the protection that you wrote down is not there. piranha status shows it as a note.",
        cure="Leave it for the version that has it, or remove it. piranha help KEYWORD says whether it is acted on.",
    ),
    "W005": Story(
        means="The web tool of the original wrote this keyword; its daemons refused the file.",
        within=Within.VIRTUAL,
        bad="expect_program = x",
        good="expect = OK",
        why="The file did not load in the original either; it may be older than what ran there.",
        cure="Remove the line, and look whether the rest of the file is what you know.",
    ),
    "W007": Story(
        means="Single quotes do not quote a text: they are part of it, as ever.",
        within=Within.VIRTUAL,
        bad="expect = 'HTTP'",
        good='expect = "HTTP"',
        why="No server answers with a quote: all of them fail their check, and the pool empties.",
        cure="Write double quotes.",
    ),
    "W008": Story(
        means="Two blocks have the same name. The later one gets another in screens and logs.",
        within=Within.VIRTUAL,
        bad="server web1 { active = 1; address = 10.0.0.21 }\nserver web1 { active = 1; address = 10.0.0.22 }",
        good="server web1 { active = 1; address = 10.0.0.21 }\nserver web2 { active = 1; address = 10.0.0.22 }",
        why="'web1 is down' must name one machine, and a change of the order of blocks renames the other.",
        cure="Give each block a name of its own.",
    ),
    "W045": Story(
        means="A name holds characters that do not show, or a slash. Screens and logs show the former escaped.",
        bad="virtual a/b {\n    active = 1\n    address = 192.0.2.10 eth0\n    server web1 { active = 1; address = "
        "10.0.0.21 }\n}",
        good=_SERVED,
        why="Screens write a server as VIRTUAL/SERVER: a name with a slash reads as something else, and is hard to "
        "type in a hurry.",
        cure="Use letters, digits, - and _.",
    ),
    "W047": Story(
        means="The words of a program are cut at blanks; a quote is an ordinary character of its word, as ever.",
        within=Within.VIRTUAL,
        bad="send_program = \"/usr/bin/probe --say 'all well' %h\"",
        good='send_program = "/usr/local/bin/probe.sh %h"',
        why="The program gets 'all and well' as two words. If it then fails always, every server is taken out.",
        cure="Put the command into a script of its own and name that.",
    ),
    "W048": Story(
        means="A ; parts settings only behind a { on the same line; elsewhere it is a character of the value, as ever.",
        within=Within.VIRTUAL,
        bad="expect = OK;",
        good="expect = OK",
        why="The value is OK; with the semicolon: no server ever answers that.",
        cure="Remove the ; or write the whole block on one line: server a { active = 1; address = 10.0.0.21 }.",
    ),
}
