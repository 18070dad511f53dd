"""dkim-key-not-shared."""

from audits.catalog.dkim.key_not_shared import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.dkim import DkimKeyOwners, KeyPlace, SharedKey
from audits.facts.dns import DkimKeys, DmarcWalk
from audits.facts.fact import Reason
from audits.parse.dkim import dkim_key
from audits.subject import Vantage
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import SUBJECT, dkim, rsa_text, selector, silent_selector
from tests.catalog.dmarc.walks import own

WALK = own("v=DMARC1; p=none")
OURS = KeyPlace("example.net", "example.net", "s1", "self")
DIGEST = dkim_key(rsa_text()).key_sha256 or ""


def owners(*places: KeyPlace) -> DkimKeyOwners:
    shared = (SharedKey(DIGEST, len(places), places),) if places else ()
    return DkimKeyOwners(Vantage("here"), 1, shared)


def of(*places: KeyPlace, same_sender_ok: bool = True) -> Result:
    seen = (domain(), dkim(selector("s1", rsa_text())), owners(*places), WALK)
    return judge(evaluate, SUBJECT, *seen, same_sender_ok=same_sender_ok)


def test_key_in_one_place_passes() -> None:
    assert of().outcome is Outcome.PASS


def test_same_sender_of_the_same_organization_passes_unless_the_policy_forbids() -> None:
    other = KeyPlace("mail.example.net", "example.net", "s1", "self")
    assert of(OURS, other).outcome is Outcome.PASS
    assert of(OURS, other, same_sender_ok=False).outcome is Outcome.FAIL


def test_another_sender_fails() -> None:
    result = of(OURS, KeyPlace("example.net", "example.net", "news", "newsletter-service"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "the key of selector s1 is also that of news._domainkey.example.net (newsletter-service)"
    )


def test_another_organization_fails() -> None:
    others = [KeyPlace(f"{x}.example", f"{x}.example", "s1", "self") for x in "ab"]
    result = of(OURS, *others)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.endswith(
        "s1._domainkey.a.example (self), and stands in 3 places"
    )


def test_organization_that_was_not_observed_is_unknown() -> None:
    result = of(OURS, KeyPlace("a.example", None, "s1", "self"))
    assert result.outcome is Outcome.UNKNOWN
    assert of(OURS, KeyPlace("a.example", None, "s1", "esp")).outcome is Outcome.FAIL


def test_own_organization_that_was_not_observed_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    keys = dkim(selector("s1", rsa_text()))
    other = KeyPlace("a.example", "a.example", "s1", "self")
    result = judge(evaluate, SUBJECT, domain(), keys, owners(OURS, other), unseen)
    assert result.outcome is Outcome.UNKNOWN
    alone = judge(evaluate, SUBJECT, domain(), keys, owners(), unseen)
    assert alone.outcome is Outcome.PASS


def test_no_key_in_force_is_not_applicable() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim(selector("s1", "p="))):
        result = judge(evaluate, SUBJECT, domain(), keys, owners(), WALK)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    half = dkim(selector("s1", rsa_text()), silent_selector("s2"))
    assert judge(evaluate, SUBJECT, domain(), half, owners(), WALK).outcome is Outcome.UNKNOWN
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen, owners(), WALK).outcome is Outcome.UNKNOWN
