import pytest

from audits.parse.relay_form import (
    FORGED_EHLO,
    PATTERNS,
    Form,
    Names,
    controls,
    envelope,
    form_of,
    others,
    usual,
)

NAMES = Names("s@own.example", "u@far.example", "mx.example.net", "192.0.2.1", "example.net")
CONNECTIONS = (usual(serves=True), *FORGED_EHLO, *others(serves=True))
ALL = [form for transactions in CONNECTIONS for forms in transactions for form in forms]


@pytest.mark.parametrize(
    ("label", "sender", "recipient"),
    [
        ("<S> U@D", "s@own.example", "u@far.example"),
        ("<> U@D", "", "u@far.example"),
        ("<S@H> U@D", "s@mx.example.net", "u@far.example"),
        ("<S@L> U@D", "s@example.net", "u@far.example"),
        ("<S@> U@D", "s", "u@far.example"),
        ("<S@[IP]> U@D", "s@[192.0.2.1]", "u@far.example"),
        ("<S@localhost> U@D", "s@localhost", "u@far.example"),
        ("<S> U%D@H", "s@own.example", "u%far.example@mx.example.net"),
        ("<S> U%D@[IP]", "s@own.example", "u%far.example@[192.0.2.1]"),
        ('<S> "U@D"@H', "s@own.example", '"u@far.example"@mx.example.net'),
        ('<S> "U@D"@[IP]', "s@own.example", '"u@far.example"@[192.0.2.1]'),
        ('<S> "U@D"', "s@own.example", '"u@far.example"'),
        ('<S> "U%D"', "s@own.example", '"u%far.example"'),
        ("<S> D!U", "s@own.example", "far.example!u"),
        ("<S> D!U@H", "s@own.example", "far.example!u@mx.example.net"),
        ("<S> D!U@[IP]", "s@own.example", "far.example!u@[192.0.2.1]"),
        ("<S> @H:U@D", "s@own.example", "@mx.example.net:u@far.example"),
        ("<S> @[IP]:U@D", "s@own.example", "@[192.0.2.1]:u@far.example"),
        ("<S> U@D@H", "s@own.example", "u@far.example@mx.example.net"),
        ("<S> U@D@[IP]", "s@own.example", "u@far.example@[192.0.2.1]"),
        ("<S> U@D@", "s@own.example", "u@far.example@"),
        ("EHLO H: <S> U@D", "s@own.example", "u@far.example"),
        ("EHLO localhost: <S> U@D", "s@own.example", "u@far.example"),
    ],
)
def test_symbols_are_replaced(label: str, sender: str, recipient: str) -> None:
    sent = envelope(form_of(label), NAMES)
    assert (sent.label, sent.sender, sent.recipient) == (label, sender, recipient)


def test_every_form_has_a_label_of_its_own_and_every_pattern_a_form() -> None:
    assert len({form.label for form in ALL}) == len(ALL) == 23
    assert {form.pattern for form in ALL if form.pattern} == set(PATTERNS)


def test_own_sender_is_of_a_domain_that_is_served_where_one_is_known() -> None:
    last = [usual(serves=serves)[-1] for serves in (True, False)]
    assert [form.label for (form,) in last] == ["<S@L> U@D", "<S@H> U@D"]
    assert {form.pattern for (form,) in last} == {"P03"}


def test_values_that_look_like_symbols_are_left_alone() -> None:
    names = Names("SUDHL@own.example", "HD@[IP].example", "U.example", "2001:db8::1")
    sent = envelope(Form("", "<S@[IP]>", "U%D@H"), names)
    assert sent.sender == "SUDHL@[IPv6:2001:db8::1]"
    assert sent.recipient == "HD%[IP].example@U.example"


@pytest.mark.parametrize("forms", [each for made in CONNECTIONS for each in [sum(made, ())]])
def test_no_connection_tries_the_patience_of_a_server(forms: tuple[Form, ...]) -> None:
    """Postfix slows down at the tenth refusal, Exim hangs up at the fourth error of syntax.

    smtpd_soft_error_limit, smtp_max_synprot_errors. To Exim an address without a domain is no such
    error, a domain literal is.
    """
    wrong = [form for form in forms if "[IP]" in form.label or form.recipient.count("@") > 1]
    assert len(forms) <= 8
    assert len(wrong) <= 3


def test_the_last_connection_has_room_for_the_controls() -> None:
    assert len(sum(others(serves=True)[-1], ())) + len(controls(NAMES, "word")) <= 8
