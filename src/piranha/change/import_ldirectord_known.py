"""What ldirectord knows and lvs.cf has no setting for, with what to do instead."""

# Read for some kinds of check only, or without a meaning for the service.
PLAIN = frozenset(
    (
        *("servicename", "comment", "request", "receive", "virtualhost", "httpmethod", "checkport", "checkcommand"),
        *("smtp", "emailalertfrom", "fork", "checkcount", "supervised"),
    )
)

_NO_LOGIN = "is not taken over: no check logs in"
WITHOUT = {
    "autoreload": "a changed file is loaded by systemctl reload, never by itself",
    "callback": "nothing is called when the file changes; configuration management copies it",
    "execute": "another file of ldirectord: import it too, and put its virtual servers into the one lvs.cf",
    "logfile": "the log goes to the journal",
    "monitorfile": "piranha why tells the story of each real server",
    "fallbackcommand": "nothing is called; notify_mail and the events tell that the sorry server serves",
    "readdquiescent": "a server that is down is put back with weight 0 where quiesce_server is 1",
    "emailalertfreq": "mail is not repeated",
    "emailalertstatus": "mail is sent for every event",
    "load": "ldirectord does nothing with it",
    "login": _NO_LOGIN,
    "passwd": _NO_LOGIN,
    "database": _NO_LOGIN,
    "secret": _NO_LOGIN,
}
