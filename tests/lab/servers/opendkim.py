"""OpenDKIM, a milter that signs what goes out, or writes Authentication-Results."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.lab.network import Namespace
from tests.lab.servers.server import MailServer, Site

_PORT = 10028
# What the smtpd of a Postfix on the same host has beside.
MILTER = {"smtpd_milters": f"inet:127.0.0.1:{_PORT}", "milter_default_action": "tempfail"}
SELECTOR = "lab"


@dataclass(frozen=True)
class OpenDkimSettings:
    """What one OpenDKIM is to be.

    key: PEM of a private key to sign with as the domain of its host, or of a public one to verify
    with, for domain `signer`, in the place of a look-up.
    """

    does: Literal["sign", "verify"]
    key: bytes
    signer: str = ""

    ports: tuple[int, ...] = ()

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "OpenDkim":
        milter = OpenDkim(namespace, folder)
        milter.serve(self, site)
        return milter


class OpenDkim(MailServer):
    """One OpenDKIM. It keeps no mail, and meets no client but the Postfix of its host."""

    def serve(self, settings: OpenDkimSettings, site: Site) -> None:
        """Writes its configuration, and starts."""
        self.ports = frozenset({_PORT})
        key = self.folder / "key"
        key.touch(mode=0o600)
        # The lab's folders are below one that everybody may write to.
        options = {"RequireSafeKeys": "no", "Syslog": "no", "AuthservID": site.host}
        options |= {"Socket": f"inet:{_PORT}@127.0.0.1"}
        if settings.does == "sign":
            key.write_bytes(settings.key)
            options |= {"Mode": "s", "Domain": site.domain, "Selector": SELECTOR}
            options |= {"KeyFile": str(key)}
        else:
            name = f"{SELECTOR}._domainkey.{settings.signer}"
            inner = "".join(settings.key.decode().splitlines()[1:-1])
            key.write_text(f"{name} v=DKIM1; k=rsa; p={inner}\n")
            options |= {"Mode": "v", "TestPublicKeys": str(key), "AlwaysAddARHeader": "yes"}
        path = self.folder / "opendkim.conf"
        path.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        self.launch("opendkim", "-f", "-x", str(path))

    def queued(self) -> int:
        return 0

    def connections(self, client: str) -> Counter[str]:
        return Counter()

    def annoyance(self) -> list[str]:
        return []
