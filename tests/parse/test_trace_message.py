import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.parse.trace_message import fields_of, judged_on_the_way

RECEIVED = (
    "by mail.example.net (Dovecot by LMTP) with LMTP id 1; Mon, 1 Jan 2026 00:00:00 +0000",
    "from mx1.example.org (mx1.example.org [192.0.2.1]) by MX2.example.net (Postfix) with ESMTPS;",
    "from client (unknown by night (really)) by [192.0.2.9]; Mon, 1 Jan 2026 00:00:00 +0000",
)


@pytest.mark.parametrize(
    "field",
    [
        "mx2.example.net; dkim=pass",
        "Mail.Example.Net 1; none",
        "example.net; spf=pass",
        '"mx2.example.net" ; dkim=none',
        "(a comment (in one)) mx2.example.net (another); dkim=none",
        "192.0.2.9; dkim=none",
        "mx2.example.net",
    ],
)
def test_results_of_a_server_on_the_way_are_believed(field: str) -> None:
    assert judged_on_the_way(RECEIVED, (field,)) == ((field,), ())


@pytest.mark.parametrize(
    "field",
    [
        "mx1.example.org; dkim=pass",  # it says that it was there, in a `from` of others
        "evil.example; dkim=pass",
        "evilmx2.example.net; dkim=pass",
        "evil.mx2.example.net; dkim=pass",
        "net; dkim=pass",
        "night; dkim=pass",
        "LMTP; dkim=pass",
        "evil.example (mx2.example.net;); dkim=pass",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org",
        "",
        ";",
    ],
)
def test_results_in_another_name_are_foreign(field: str) -> None:
    assert judged_on_the_way(RECEIVED, (field,)) == ((), (field,))


@given(st.lists(st.text(max_size=60), max_size=4), st.lists(st.text(max_size=60), max_size=4))
def test_every_field_is_one_or_the_other(received: list[str], results: list[str]) -> None:
    own, foreign = judged_on_the_way(received, results)
    assert sorted((*own, *foreign)) == sorted(results)


@given(st.binary(max_size=400))
def test_fields_of_any_octets_are_single_lines(content: bytes) -> None:
    assert all("\n" not in field for field in fields_of(content, "Received"))
