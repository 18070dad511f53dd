"""MTA-STS records and policies for tests."""

from typing import Any

from audits.facts.dns import MtaStsTxt
from audits.facts.https import MtaStsPolicy
from audits.parse.mta_sts import sts_policy, sts_records
from audits.subject import Domain
from tests.build import answer

SUBJECT = Domain("example.net")
GOOD = "version: STSv1\r\nmode: enforce\nmx: mx1.example.net\nmax_age: 604800\n"


def served(body: str = GOOD, **fields: Any) -> MtaStsPolicy:
    read = sts_policy(body)
    whole: dict[str, Any] = {
        "url": "https://mta-sts.example.net/.well-known/mta-sts.txt",
        "address": "192.0.2.80",
        "failure": None,
        "status": 200,
        "location": None,
        "content_type": "text/plain; charset=utf-8",
        "body": body,
        "body_bytes": len(body),
        "truncated": False,
        "version": read.version,
        "mode": read.mode,
        "mx": read.mx,
        "max_age_s": read.max_age_s,
        "malformed": read.malformed,
    }
    return MtaStsPolicy(subject=SUBJECT, **(whole | fields))


def sts(*texts: str) -> MtaStsTxt:
    found = answer("_mta-sts.example.net", "NOERROR" if texts else "NXDOMAIN")
    return MtaStsTxt(SUBJECT, found, texts, sts_records(texts))
