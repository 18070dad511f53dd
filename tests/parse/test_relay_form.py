import pytest

from audits.parse.relay_form import (
    APART,
    PATTERNS,
    Form,
    Names,
    envelope,
    form_of,
    senders,
    usual,
)

NAMES = Names("s@own.example", "u@far.example", "mx.example.net", "192.0.2.1", "example.net")
ALL = [form for forms in (*usual(serves=True), *APART, *senders(serves=True)) for form in forms]


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


def test_no_connection_holds_more_than_three_forms_that_may_be_syntax_errors() -> None:
    assert [len(forms) for forms in APART] == [3, 3, 3, 1, 1, 1]
