"""The text of `ipvsadm -h`."""

from typing import Final

HELP: Final = """\
Usage:
  ipvsadm -A|-E SERVICE [-s SCHEDULER] [-p [SECONDS]] [-M MASK] [--pe ENGINE] [-b FLAGS] [-o]
  ipvsadm -D SERVICE
  ipvsadm -a|-e SERVICE -r SERVER [-g|-i|-m] [-w WEIGHT] [-x UPPER] [-y LOWER] [TUNNEL OPTIONS]
  ipvsadm -d SERVICE -r SERVER
  ipvsadm -L|-l [SERVICE | -c | --timeout | --daemon] [LISTING OPTIONS]
  ipvsadm -S [-n]
  ipvsadm -R [--dry-run [--json]]
  ipvsadm --diff [FILE] [--json]
  ipvsadm -C
  ipvsadm -Z [SERVICE]
  ipvsadm --set TCP TCPFIN UDP
  ipvsadm --start-daemon master|backup [DAEMON OPTIONS]
  ipvsadm --stop-daemon master|backup [--syncid ID]
  ipvsadm -h | -v

SERVICE is one of
  -t, --tcp-service HOST[:PORT]      -u, --udp-service HOST[:PORT]
      --sctp-service HOST[:PORT]     -f, --fwmark-service MARK [-6]

Commands (the first word):
  -A, --add-service        add a virtual service
  -E, --edit-service       replace all settings of a virtual service
  -D, --delete-service     remove a virtual service with its servers
  -a, --add-server         add a real server to a virtual service
  -e, --edit-server        replace all settings of a real server
  -d, --delete-server      remove a real server
  -L, -l, --list           list the table
  -S, --save               write the table as rules to stdout
  -R, --restore            carry out rules from stdin
  -C, --clear              remove every virtual service
  -Z, --zero               set counters to zero
      --set                set connection timeouts, 0 keeps one
      --start-daemon       start a connection synchronisation daemon
      --stop-daemon        stop it

Virtual service:
  -6, --ipv6                the mark is on IPv6 packets (after -f)
  -s, --scheduler NAME      rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh (default wlc)
  -p, --persistent [SECS]   a client stays with its server (default 360)
  -M, --netmask MASK        group persistent clients by this mask
      --pe ENGINE           persistence engine (sip)
  -b, --sched-flags LIST    sh-fallback,sh-port mh-fallback,mh-port flag-1,flag-2,flag-3
  -o, --ops                 schedule each packet on its own (UDP, mark)

Real server:
  -r, --real-server HOST[:PORT]
  -g, --gatewaying          direct routing (default)
  -i, --ipip                tunnelling
  -m, --masquerading        NAT
  -w, --weight NUMBER       share of connections, 0 = no new ones (default 1)
  -x, --u-threshold NUMBER  no new connections from so many on (0 = no limit)
  -y, --l-threshold NUMBER  new ones again below so many
      --tun-type TYPE       ipip gue gre (default ipip)
      --tun-port PORT       of gue
      --tun-nocsum, --tun-csum, --tun-remcsum

Listing:
  -n, --numeric             addresses and ports as numbers
  -c, --connection          connections now
      --timeout, --daemon   connection timeouts, synchronisation daemons
      --stats, --rate       counters, rates; -X, --exact: numbers in full
      --thresholds, --persistent-conn, --tun-info
      --nosort              in the kernel's order
      --json                everything, as JSON

Rules:
      --dry-run             say what -R would change, and change nothing (status 1: something)
      --diff [FILE]         say what would make the table the one of FILE, else stdin (status 1: something)

Daemon:
      --mcast-interface NAME  --mcast-group ADDRESS  --mcast-port PORT  --mcast-ttl TTL
      --syncid ID  --sync-maxlen BYTES
"""
