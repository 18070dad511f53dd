"""What is published for an MX host, for tests of how senders verify its certificate."""

from audits.facts.dane import TlsaSet
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from audits.facts.https import MtaStsDomains
from audits.subject import MailHost
from tests.build import silent
from tests.catalog import wire
from tests.catalog.dane.secured import NOT_VALIDATING, VALIDATING, record, tlsa

NO_STS = MtaStsDomains(MailHost(wire.HOST), (), None)
STS = MtaStsDomains(MailHost(wire.HOST), ("example.net", "example.org"), None)
STS_UNKNOWN = MtaStsDomains(
    MailHost(wire.HOST), (), Silence(Reason.DNS_TIMEOUT, "_mta-sts.example.net: no answer")
)
NO_TLSA = tlsa()
BY_KEY = tlsa(record("3 1 1"))
BY_ANCHOR = tlsa(record("2 1 1", "2b" * 32))
TLSA_UNKNOWN = silent(TlsaSet, MailHost(wire.HOST), Reason.SERVFAIL, "SERVFAIL for TLSA")

Published = tuple[Fact | Unobserved, ...]
NOTHING: Published = (NO_STS, NO_TLSA, VALIDATING)
BY_STS: Published = (STS, NO_TLSA, VALIDATING)
BY_STS_AND_KEY: Published = (STS, BY_KEY, VALIDATING)
BY_DANE_EE: Published = (NO_STS, BY_KEY, VALIDATING)
BY_DANE_TA: Published = (NO_STS, BY_ANCHOR, VALIDATING)
OPEN: tuple[Published, ...] = (
    (STS_UNKNOWN, NO_TLSA, VALIDATING),
    (NO_STS, TLSA_UNKNOWN, VALIDATING),
    (NO_STS, BY_KEY, NOT_VALIDATING),
)
