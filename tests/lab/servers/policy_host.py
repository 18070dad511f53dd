"""An MTA-STS policy host."""

import sys

from audits.demo.certificates import Credentials
from tests.lab.servers.server import Server

_SERVE_FOLDER = """
import functools, http.server, ssl, sys
folder, chain = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class PolicyHost(Server):
    """An MTA-STS policy host (RFC 8461 section 3.3), on the standard library's HTTP server."""

    def serve(self, policy: str, credentials: Credentials) -> None:
        """`policy`: the text of the policy, lines ending in LF."""
        page = self.folder / "site/.well-known/mta-sts.txt"
        page.parent.mkdir(parents=True)
        page.write_text(policy)
        chain = self.folder / "chain.pem"
        chain.touch(mode=0o600)
        chain.write_bytes(credentials.key + credentials.chain)
        self.launch(sys.executable, "-c", _SERVE_FOLDER, str(self.folder / "site"), str(chain))

    def ready(self) -> bool:
        return 443 in self.namespace.listening()
