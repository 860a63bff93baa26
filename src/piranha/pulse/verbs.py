"""Shell: what `pulse` answers on its control socket."""

import os
import time
from collections.abc import Mapping

from piranha.change.order import Act
from piranha.change.verbs import ChangeVerbs
from piranha.control.actor import actor
from piranha.control.messages import Refused
from piranha.control.server import Handler, Peer, require_admin
from piranha.events.event import Event
from piranha.pulse import status
from piranha.pulse.actions import Command
from piranha.pulse.daemon import Pulse

LONGEST_NAME = 64


class Verbs:
    """The control verbs of one daemon."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._changes = ChangeVerbs(pulse.changes)

    def handlers(self) -> dict[str, Handler]:
        """Return the table of verbs."""
        return {
            "status": self.status,
            "events": self.events,
            "reload": self.reload,
            "switchover": self.switchover,
            "prepare_restart": self.prepare_restart,
            **self._changes.handlers(),
        }

    async def status(self, _args: Mapping[str, object], _peer: Peer) -> object:
        """Everything that is known, each fact with its age."""
        pulse, now = self._pulse, time.monotonic()
        view = pulse.election.view(now)
        lease = pulse.effects.lease
        held = status.LeaseView(
            held=lease.held, devices=lease.devices, valid_s=lease.valid_s, remaining_s=lease.remaining_s(now)
        )
        paths = {
            name: status.PathFacts(own=ends.own, partner=ends.partner, error=pulse.path_errors.get(name, ""))
            for name, ends in pulse.endpoint.paths.items()
        }
        lvsd, refused = pulse.lvsd.state, pulse.reloads.refused_file
        return {
            "pid": os.getpid(),
            "uptime_s": round(now - pulse.started_s, 3),
            "cluster": pulse.config.cluster,
            "node": str(pulse.setup.place),
            "plane": str(pulse.setup.plane),
            "file": str(pulse.setup.path),
            "generation": pulse.accepted.generation,
            "meaning": pulse.accepted.meaning,
            "serial_no": pulse.accepted.serial_no,
            "paired": pulse.config.backup_active,
            "standby": str(pulse.config.standby),
            "authenticated": pulse.authenticated,
            **status.election_data(view),
            "paths": status.paths_data(view.paths, paths),
            "links": status.links_data(pulse.around.links.seen, now),
            "monitor_links": pulse.config.monitor_links,
            "monitor_hosts": status.hosts_data(pulse.around.hosts, now),
            **status.vips_data(pulse.config, held),
            "lvsd": {
                "pid": lvsd.pid,
                "ready": lvsd.ready,
                "not_ready": list(lvsd.reasons),
                "generation": lvsd.generation,
                "age_s": round(now - lvsd.asked_at_s, 3) if lvsd.asked_at_s else None,
            },
            "strangers": pulse.endpoint.strangers,
            "record": pulse.recorder.status(),
            **pulse.changes.facts(),
            "warnings": status.warnings(pulse.config, view, pulse.state_trouble),
            "refused_file": refused
            and {"path": refused.path, "findings": list(refused.problems), "age_s": round(now - refused.at_s, 3)},
        }

    async def events(self, args: Mapping[str, object], _peer: Peer) -> object:
        """Return recorded events: `{"after": N, "limit": N}`."""
        return self._pulse.recorder.answer(args)

    async def reload(self, args: Mapping[str, object], peer: Peer) -> object:
        """Read the file again and apply it; refused with its findings when it cannot be used."""
        require_admin(peer)
        problems = await self._pulse.reloads.reload(Act(who=actor(peer, args.get("who")), how="reload"))
        if problems:
            raise Refused(f"{self._pulse.setup.path} is refused: " + "; ".join(problems))
        return {"generation": self._pulse.accepted.generation, "meaning": self._pulse.accepted.meaning}

    async def switchover(self, args: Mapping[str, object], peer: Peer) -> object:
        """Hand over to the partner; answered as soon as it has begun. `{"who": NAME}`: who acts, for the record."""
        who = args.get("who")
        name = f"{who[:LONGEST_NAME]}, " if isinstance(who, str) and who else ""
        self._tell("switchover asked for", name + _asked(peer))
        try:
            return await self._command(Command.SWITCHOVER, peer)
        except Refused as error:
            self._tell("switchover refused", str(error))
            raise

    def _tell(self, message: str, cause: str) -> None:
        self._pulse.recorder.record(Event(when_s=time.monotonic(), subject="router", message=message, cause=cause))

    async def prepare_restart(self, _args: Mapping[str, object], peer: Peer) -> object:
        """End without letting go of VIPs and lvsd; the next pulse adopts them."""
        return await self._command(Command.PREPARE_RESTART, peer)

    async def _command(self, command: Command, peer: Peer) -> object:
        require_admin(peer)
        answer = await self._pulse.command(command)
        if answer.refusal:
            raise Refused(answer.refusal)
        return {"role": str(self._pulse.election.view(time.monotonic()).role)}


def _asked(peer: Peer) -> str:
    return f"asked by process {peer.pid}, uid {peer.uid}"
