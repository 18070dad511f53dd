"""Selectors: what each kind of term names, and which terms are mistakes."""

import pytest

from audits.errors import UsageError
from audits.selector import read_selection, unmatched
from audits.subject import Domain, MailHost, Role, Service, Subject, Vantage
from tests import build

DOMAIN = build.domain("example.net", groups=("Customers",))
HOST = build.host("mx1.example.net", roles=(Role.MX, Role.MSA), groups=("edge",))
SMTP = Service("mx1.example.net", "192.0.2.10", 25)


def covers(text: str, subject: Subject) -> bool:
    domain = DOMAIN if isinstance(subject, Domain) else None
    host = HOST if isinstance(subject, MailHost | Service) else None
    return read_selection(text).covers(subject, domain, host)


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("example.net", DOMAIN.subject, True),
        ("Example.NET.", DOMAIN.subject, True),
        ("example.net", HOST.subject, False),
        ("*.example.net", HOST.subject, True),
        ("*.example.net", SMTP, True),
        ("*.example.net", DOMAIN.subject, False),
        ("domain:*", DOMAIN.subject, True),
        ("domain:*", HOST.subject, False),
        ("host:mx?.example.net", HOST.subject, True),
        ("host:*", DOMAIN.subject, False),
        ("mx1.example.net:25", SMTP, True),
        ("mx1.example.net:587", SMTP, False),
        ("mx1.example.net:25", HOST.subject, False),
        ("group:customers", DOMAIN.subject, True),
        ("group:edge", SMTP, True),
        ("group:edge", DOMAIN.subject, False),
        ("role:msa", HOST.subject, True),
        ("role:relay", HOST.subject, False),
        ("role:msa", DOMAIN.subject, False),
        ("group:edge, example.net", DOMAIN.subject, True),
        ("group:edge,!mx1.example.net", HOST.subject, False),
        ("!mx2.example.net", HOST.subject, True),
        ("!mx1.example.net:25", SMTP, False),
        ("!mx1.example.net:25", HOST.subject, True),
        ("*", Vantage("here"), False),
    ],
)
def test_term_names_what_it_says(text: str, subject: Subject, expected: bool) -> None:
    assert covers(text, subject) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.example,,b.example", "selector 'a.example,,b.example': a term is empty"),
        ("", "selector '': a term is empty"),
        ("role:boss", "selector 'role:boss': expected a role of mx, msa, relay, mailstore, none"),
        ("mx1.example.net:smtp", "selector 'mx1.example.net:smtp': found port 'smtp', expected"),
        ("mx1.example.net:0", "selector 'mx1.example.net:0': found port '0', expected a number"),
        ("grp:edge", "selector 'grp:edge': found port 'edge', expected a number, or one of"),
    ],
)  # fmt: skip
def test_mistake_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_selection(text)
    assert str(raised.value).startswith(message)


def test_terms_that_name_nothing_are_found() -> None:
    selection = read_selection(
        "example.net,exmple.net,group:edges,!mx9.example.net,mx1.example.net:25"
    )
    strangers = unmatched(selection, [DOMAIN], [HOST])
    assert [s.text for s in strangers] == ["exmple.net", "group:edges", "!mx9.example.net"]
