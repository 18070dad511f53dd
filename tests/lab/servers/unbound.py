"""The lab's resolver: Unbound, which validates from the lab's own root."""

import re

from tests.lab.network import Namespace
from tests.lab.servers.knot import Knot
from tests.lab.servers.server import Server


class Unbound(Server):
    """A validating resolver that knows one root: the lab's."""

    def serve(self, root: Namespace, trust_anchor: str, mistaken: str | None = None) -> None:
        """Writes the configuration and starts.

        root: where the root's name server is. trust_anchor: the root's DS records. mistaken: a zone
        for which it has a trust anchor that is not the zone's.
        """
        self.folder.joinpath("root.hints").write_text(
            f". 3600000 NS {Knot.HOST}.\n{Knot.HOST}. 3600000 A {root.ipv4}\n"
        )
        self.folder.joinpath("root.anchor").write_text(trust_anchor)
        options = [
            "server:",
            f'  directory: "{self.folder}"',
            '  chroot: ""',
            '  username: ""',
            '  pidfile: ""',
            "  do-daemonize: no",
            "  use-syslog: no",
            "  verbosity: 1",
            "  val-log-level: 2",
            "  log-queries: yes",
            "  interface: 0.0.0.0",
            "  do-ip6: no",
            "  access-control: 0.0.0.0/0 allow",
            "  root-hints: root.hints",
            "  trust-anchor-file: root.anchor",
            "  ede: yes",
            # Otherwise it answers for the reverse zones of documentation addresses itself.
            "  unblock-lan-zones: yes",
            "remote-control:",
            "  control-enable: no",
        ]
        if mistaken is not None:
            options.insert(1, f'  trust-anchor: "{mistaken}. DS 1 13 2 {"00" * 32}"')
        path = self.folder / "unbound.conf"
        path.write_text("\n".join(options) + "\n")
        self.launch("unbound", "-d", "-c", str(path))

    def ready(self) -> bool:
        return 53 in self.namespace.listening()

    def asked(self, client: str) -> list[tuple[str, str]]:
        """Name, with final dot, and type of every query that came from an address, in order."""
        query = re.compile(rf" info: {re.escape(client)} (\S+) (\S+) IN$", re.MULTILINE)
        return query.findall(self.log.read_text(errors="replace"))
