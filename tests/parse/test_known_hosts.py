"""Which host keys are known.

MAILPROOF_EXAMPLES says how many examples its law is tried on.
"""

import os
from base64 import b64encode

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.parse.known_hosts import Trust, fingerprint, host_name, known_keys

OURS = b"\x00\x00\x00\x0bssh-ed25519 ours"
OTHER = b"\x00\x00\x00\x0bssh-ed25519 other"
KIND = "ssh-ed25519"
# What `ssh-keygen -H` makes of `mx1.example.net`.
HASHED = "|1|4FQR/ymd61+SMP3CWHHi7DXZalY=|IBgjXJrNI/R59m4PcrR/T2AXdsQ="


def line(names: str, blob: bytes = OURS, marker: str = "") -> str:
    return f"{marker} {names} {KIND} {b64encode(blob).decode()} a comment\n".lstrip()


def trust(text: str, *names: str, pinned: str | None = None) -> Trust:
    return Trust.of(known_keys(text), names, pinned)


def test_known_key_is_taken() -> None:
    known = trust(line("mx1.example.net,192.0.2.10"), "192.0.2.10")
    assert known.objection("mx1", KIND, OURS) is None


def test_unknown_host_is_objected_to_with_what_to_do() -> None:
    said = trust(line("mx1.example.net"), "mx2.example.net").objection("mx2", KIND, OURS)
    assert said is not None
    assert fingerprint(OURS) in said
    assert "ssh-keyscan" in said


def test_changed_key_is_objected_to_with_both_fingerprints() -> None:
    said = trust(line("mx1"), "mx1").objection("mx1", KIND, OTHER)
    assert said is not None
    assert fingerprint(OURS) in said
    assert fingerprint(OTHER) in said


def test_second_key_of_the_same_host_is_taken() -> None:
    assert trust(line("mx1") + line("mx1", OTHER), "mx1").objection("mx1", KIND, OTHER) is None


def test_pinned_key_counts_alone() -> None:
    known = trust(line("mx1"), "mx1", pinned=fingerprint(OTHER))
    assert known.objection("mx1", KIND, OTHER) is None
    said = known.objection("mx1", KIND, OURS)
    assert said is not None
    assert f"pinned is {fingerprint(OTHER)}" in said


def test_revoked_key_is_never_taken() -> None:
    text = line("mx1") + line("*", marker="@revoked")
    said = trust(text, "mx1", pinned=fingerprint(OURS)).objection("mx1", KIND, OURS)
    assert said is not None
    assert "revokes" in said


def test_authority_is_no_key_of_a_host() -> None:
    assert trust(line("*", marker="@cert-authority"), "mx1").objection("mx1", KIND, OURS)


def test_patterns_and_exceptions_are_heeded() -> None:
    text = line("*.example.net,!mx9.example.net")
    assert trust(text, "mx1.example.net").objection("mx1", KIND, OURS) is None
    assert trust(text, "mx9.example.net").objection("mx9", KIND, OURS)


def test_another_port_is_another_host() -> None:
    text = line("[192.0.2.10]:2222")
    assert host_name("192.0.2.10", 2222) == "[192.0.2.10]:2222"
    assert trust(text, "[192.0.2.10]:2222").objection("mx1", KIND, OURS) is None
    assert trust(text, "192.0.2.10").objection("mx1", KIND, OURS)


def test_hashed_name_is_recognised() -> None:
    assert trust(line(HASHED), "mx1.example.net").objection("mx1", KIND, OURS) is None
    assert trust(line(HASHED), "mx2.example.net").objection("mx2", KIND, OURS)


def test_what_is_no_line_makes_nothing_known() -> None:
    text = f"# mx1 {KIND} AAAA\nmx1\nmx1 {KIND} ???\n\n"
    assert known_keys(text) == ()


WORDS = st.sampled_from(
    f"@revoked @cert-authority @x # mx1 *,!mx1 [mx1]:22 [*]:22,? [ |1| |1|x|y {HASHED} {KIND}"
    f" ssh-rsa {b64encode(OURS).decode()} AAAA ??? = \n \n \n \t \r \0".split(" ")
)
FILES = st.text() | st.lists(WORDS | st.text(max_size=3), max_size=30).map(" ".join)


@settings(
    max_examples=int(os.environ.get("MAILPROOF_EXAMPLES", "100")), deadline=None, database=None
)
@given(FILES, st.text() | WORDS)
def test_any_text_is_read(text: str, name: str) -> None:
    keys = known_keys(text)
    for key in keys:
        assert key.is_of(name) in (True, False)
    assert Trust.of(keys, [name], None).objection(name, KIND, OTHER)
