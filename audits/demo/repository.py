"""Writes the demo's fleet down as a fleet repository, as an operator would keep one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from audits.demo.fleet import (
    DOMAINS,
    FILTER,
    FILTER_ADDRESS,
    HOSTS,
    ORG,
    POLICY_ADDRESS,
    WEB,
    WEB_ADDRESS,
    DemoDomain,
    DemoHost,
)

# host name and port -> loopback port
Ports = Mapping[tuple[str, int], int]

CA_FILE = "ca.pem"
PASSWORD_FILE = "probe.password"
_LOOPBACK = "127.0.0.1"


def write_repository(directory: Path, ports: Ports, resolver_port: int, policy_port: int) -> None:
    """Writes settings, inventory, policy and waivers below `directory`, the ports filled in."""
    files = {
        "mailproof.yaml": _settings(ports, resolver_port, policy_port),
        "inventory/hosts.yaml": _described(
            (h.what, {h.name: _host(h, ports, directory)}) for h in HOSTS
        ),
        "inventory/groups.yaml": _groups(datetime.now(UTC).date()),
        "inventory/defaults.yaml": "data: {}\n",
        "inventory/domains.yaml": _described((d.what, {d.name: _domain(d)}) for d in DOMAINS),
        "policies/ours.yaml": _policy(),
        "policies/waivers.yaml": _waivers(datetime.now(UTC).date()),
    }
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _settings(ports: Ports, resolver_port: int, policy_port: int) -> str:
    return _yaml(
        {
            "inventory": "inventory",
            "policies": ["policies/ours.yaml"],
            "waivers": "policies/waivers.yaml",
            "resolver": {
                "addresses": [_LOOPBACK],
                "port": resolver_port,
            },
            "trust": {"ca_file": CA_FILE},
            "vantage": {"name": "demo"},
            "probe": {
                "ehlo": f"audit.{ORG}",
                "sender": f"probe@audit.{ORG}",
                "recipient": f"canary@sink.{ORG}",
            },
            "limits": {"gap_s": 0.1, "connect_s": 5, "banner_s": 3, "reply_s": 5, "https_s": 20},
            "redirect": _block(_redirect(ports, policy_port)),
            "runs": "runs",
        }
    )


def _redirect(ports: Ports, policy_port: int) -> dict[str, str]:
    """What stands in for services of names that the inventory does not know, an alias included.

    And for a port that it does not know of a host: the one behind the open relay's mail filter.
    """
    good, relay = HOSTS[:2]
    stand_ins = {
        FILTER_ADDRESS: ports[FILTER, 25],
        WEB_ADDRESS: ports[WEB, 25],
        good.address: ports[good.name, 25],
        f"[{good.address6}]": ports[good.name, 25],
    }
    redirect = {f"{address}:25": f"{_LOOPBACK}:{port}" for address, port in stand_ins.items()}
    redirect[f"{WEB_ADDRESS}:443"] = f"{_LOOPBACK}:{ports[WEB, 25]}"
    redirect[f"{relay.address}:10025"] = f"{_LOOPBACK}:{ports[relay.name, 25]}"
    return redirect | {f"{POLICY_ADDRESS}:443": f"{_LOOPBACK}:{policy_port}"}


def _groups(today: date) -> str:
    attested = {
        "value": "app-passwords",
        "evidence_uri": f"https://wiki.{ORG}/mfa",
        "by": "head of information security",
        "date": today - timedelta(days=30),
        "expires": today + timedelta(days=335),
    }
    msa = {"data": {"mail": {"attest": {"submission_mfa": attested}}}}
    return _yaml({"mx": {}, "msa": msa})


def _host(host: DemoHost, ports: Ports, directory: Path) -> dict[str, object]:
    mail: dict[str, object] = {
        "roles": list(host.roles),
        "services": [
            {"port": port, "connect": f"{_LOOPBACK}:{ports[host.name, port]}"}
            for port in host.ports
        ],
    }
    if host.domains:
        mail["domains"] = list(host.domains)
    if host.sends:
        mail["sends_from"] = list(host.addresses)
    if host.login:
        reference = f"file:{directory.resolve() / PASSWORD_FILE}"
        mail["login"] = {"username": host.login, "password": reference}
    return {"hostname": host.address, "groups": list(host.roles), "data": {"mail": mail}}


def _domain(domain: DemoDomain) -> dict[str, object]:
    declared: dict[str, object] = {
        "groups": [domain.group],
        "sends": domain.sends,
        "receives": domain.receives,
    }
    if domain.selectors:
        created = datetime.now(UTC).date() - timedelta(days=30)
        declared["dkim"] = [
            {"selector": selector, "owner": "self", "created": created}
            for selector in domain.selectors
        ]
    return declared


def _policy() -> str:
    return _yaml(
        {
            "id": "ours",
            "version": 1,
            "title": "What we ask of our mail",
            "extends": ["baseline"],
            "audits": {
                "mx-host-in-inventory": {
                    "params": {"allowed_provider_suffixes": [f"filter-service.{ORG}"]}
                },
                # Whether the demo's servers have hybrids hangs on the OpenSSL of this machine.
                "tls-pq-hybrid-accepted": {"enabled": False},
                "mx-target-resolves": {
                    "params": {"allow_private": ["192.0.2.0/24", "2001:db8::/32"]}
                },
            },
        }
    )


def _waivers(today: date) -> str:
    approved = {"owner": "mail operations", "approved_by": "head of information security"}
    return _yaml(
        [
            _block(
                {
                    "id": "W-1",
                    "audit": "spf-all-strict-enough",
                    "scope": f"domain:waived.{ORG}",
                    "reason": "a sender that we cannot list yet is being moved",
                    "risk": "forged mail is judged by DKIM and DMARC alone",
                    **approved,
                    "approved_on": today - timedelta(days=20),
                    "expires": today + timedelta(days=70),
                    "ticket": "MAIL-17",
                }
            ),
            _block(
                {
                    "id": "W-2",
                    "audit": "dmarc-policy-enforced",
                    "scope": f"domain:waiver-expired.{ORG}",
                    "reason": "reports are being read before mail is quarantined",
                    "risk": "forged mail is delivered meanwhile",
                    **approved,
                    "approved_on": today - timedelta(days=100),
                    "expires": today - timedelta(days=10),
                    "ticket": "MAIL-4",
                }
            ),
        ]
    )


def _described(entries: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    return "\n".join(f"# {what}\n{_yaml(entry)}" for what, entry in entries)


def _block(entry: Mapping[str, object]) -> CommentedMap:
    """A map that is written with one key a line."""
    block = CommentedMap(entry)
    block.fa.set_block_style()
    return block


class _Quoting(RoundTripRepresenter):
    """Puts text with a colon in quotes: on one line with others, YAML 1.1 wants them there."""

    def text(self, text: str) -> ScalarNode:
        style = '"' if ":" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _yaml(value: object) -> str:
    yaml = YAML()
    yaml.default_flow_style = None  # the innermost lists and maps on one line
    yaml.width = 100
    yaml.Representer = _Quoting
    _Quoting.add_representer(str, _Quoting.text)
    text = StringIO()
    yaml.dump(value, text)
    return text.getvalue()
