"""A mail service relays nothing for strangers.

## Rationale
An open relay is found within hours and sends other people's mail under its own address. Blocklists
follow, then the mail of its own users comes back; and its operator answers for what it sent.

## Remediation
Take mail for the own domains, and for anything else only from users who have logged in.

Postfix (`main.cf`):

    mynetworks = 127.0.0.0/8 [::1]/128
    smtpd_relay_restrictions = permit_mynetworks,
        permit_sasl_authenticated,
        reject_unauth_destination
    relay_domains =

Look at `permit_mynetworks` above all: behind NAT or a proxy every client may come from a trusted
address. Set `mynetworks` to what really is yours.

Exim (end of the ACL for RCPT):

    accept  hosts         = +relay_from_hosts
    accept  authenticated = *
    require message       = relay not permitted
            domains       = +local_domains : +relay_to_domains

OpenSMTPD: begin rules that relay with `match auth from any` or `match from local`, and none with
`match from any for any`.

## Limits
By default the probes end at RCPT, and no message is sent: "accepted at RCPT" is suspicion, not
proof. `mailproof run --data-abort` asks for DATA as well and closes the connection without content;
`--canary` sends one message to a mailbox of yours and waits for it there. Without it, a service
that takes every recipient and throws the mail away later (a sink) fails too, with the impossible
domain that it took in the evidence. A form that only rewrites into a local address is not held
against a service that takes any local recipient. Seen from a network that the host trusts, nothing
can be said of strangers. A server that verifies addresses refuses a sender or a recipient whose
domain leads nowhere, whether it relays or not: `probe.sender` and `probe.recipient` have to exist.
One that refuses this vantage for a block list or a missing reverse name says nothing of others.

`patterns` names the probe patterns (`P01` to `P16`) that must have been tried; `[all]` needs
`probe.relay_forms: all`, and `most` tries all but `P06` and `P07`. With `full_send` only a message
that arrived counts against the service, and an accepted recipient alone is unknown. `vantage: any`
judges from a trusted network too.
"""

from typing import Literal

from msgspec.structs import replace

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.relay import Delivery, FormOutcome, RelayForm, RelayProbes
from audits.parse.relay_form import PATTERNS

_REFUSED = frozenset({FormOutcome.DENIED, FormOutcome.SYNTAX})
_REAL_MAILBOXES = "set probe.sender and probe.recipient to mailboxes that exist"
_ANOTHER_VANTAGE = "look from an address that is on no block list and has a reverse name"
_START_MAIL_INPUT = 354


@audit(
    to=Target.MAIL_SERVICE,
    severity=Severity.CRITICAL,
    references=(Rfc(5068, "3.2"), Rfc(2505)),
    frameworks=(Doc("ISM", "0567"), Doc("RHEL STIG", "V-257951")),
)
def evaluate(
    probes: RelayProbes,
    *,
    patterns: tuple[str, ...] = (),
    full_send: bool = False,
    vantage: Literal["external", "any"] = "external",
) -> Verdict:
    if probes.trusted_vantage and vantage == "external":
        detail = "trusted vantage: this is one of the addresses that belong to the host itself"
        return Undecided(Reason.AMBIGUOUS, detail, (cite(probes, "/trusted_vantage"),))
    delivery = probes.delivery
    if delivery is not None and delivery.through is not None:
        return Fail((_confirmed(probes, delivery),))
    accepted = _accepted(probes)
    if accepted:
        return _suspect(probes, accepted, full_send=full_send)
    missing = _untried(probes, patterns)
    if missing:
        detail = f"not tried: {', '.join(missing)}; probe.relay_forms: all tries every pattern"
        return Undecided(Reason.NOT_COLLECTED, detail, (cite(probes, "/forms"),))
    return _all_refused(probes)


def _suspect(probes: RelayProbes, accepted: list[int], *, full_send: bool) -> Verdict:
    """Something was accepted at RCPT, and no message is known to have gone through."""
    refused_later = _refused_at_data(probes)
    open_places = [place for place in accepted if place not in refused_later]
    plain = [place for place in open_places if probes.forms[place].plain]
    routed = [place for place in open_places if probes.forms[place].names_a_domain]
    refused_controls = all(control.outcome in _REFUSED for control in probes.controls)
    held = plain or (routed if refused_controls else [])
    if not held:
        return _ambiguous(probes, accepted, refused_later)
    taken_for_a_sink = _is_sink(probes)
    if full_send or taken_for_a_sink:
        detail = f"{_standing(probes)}: {_dialogue(probes.forms[held[0]])}"
        detail += "; and so was an impossible domain" if taken_for_a_sink else ""
        return Undecided(Reason.AMBIGUOUS, detail, _all_evidence(probes, held))
    return Fail(_violations(probes, held))


def _is_sink(probes: RelayProbes) -> bool:
    """It takes mail even for a domain that can't exist, and what it took did not come through."""
    delivery = probes.delivery
    taken = delivery is not None and delivery.taken and delivery.unread is None
    impossible = any(
        control.rcpt_to.endswith(".invalid") and control.outcome is FormOutcome.ACCEPTED
        for control in probes.controls
    )
    return taken and impossible


def _all_refused(probes: RelayProbes) -> Verdict:
    """Nothing was accepted: a pass where every form was answered, and the plain ones denied."""
    forms = probes.forms
    answered = [place for place, form in enumerate(forms) if _is_refused(form)]
    denied = {
        not form.mail_from for form in forms if form.plain and form.outcome is FormOutcome.DENIED
    }
    if len(answered) == len(forms) and denied == {True, False}:
        return Pass(_all_evidence(probes, answered))
    open_places = [place for place in range(len(forms)) if place not in answered]
    if not open_places:
        detail = f"inconclusive: {_counted(probes)}, but not U@D from both a sender and <>"
        return Undecided(Reason.AMBIGUOUS, detail, (cite(probes, "/forms"),))
    first = forms[open_places[0]]
    reply = first.rcpt or first.mail
    put_off = reply.put_off if reply is not None else None
    said = reply.text if reply is not None else first.note
    if first.beside_relaying:
        blocked = reply is not None and reply.blocks_client
        mend = _ANOTHER_VANTAGE if blocked else _REAL_MAILBOXES
        said += f", which is not about relaying: {mend}"
    return Undecided(
        put_off or Reason.PROTOCOL,
        f"inconclusive: {_counted(probes)}; {first.name}: {said}",
        (_evidence(probes, open_places[0]),),
    )


def _ambiguous(probes: RelayProbes, accepted: list[int], refused_later: set[int]) -> Undecided:
    """Accepted, but perhaps as a local recipient, or refused behind RCPT."""
    labels = ", ".join(dict.fromkeys(probes.forms[place].label for place in accepted))
    controls = [c for c in probes.controls if c.outcome is FormOutcome.ACCEPTED]
    if refused_later:
        because = "DATA was refused behind it"
    elif controls:
        because = f"so is {' and '.join(control.rcpt_to for control in controls)}"
    elif any(probes.forms[place].names_a_domain for place in accepted):
        because = "the controls were not answered"
    else:
        because = "the service may have put its own domain behind it"
    detail = f"ambiguous: {labels} accepted, but {because}"
    evidence = _all_evidence(probes, accepted)
    if refused_later:
        evidence += tuple(
            cite(probes, f"/data/{place}/reply")
            for place, data in enumerate(probes.data)
            if data.form in refused_later
        )
    return Undecided(Reason.AMBIGUOUS, detail, evidence)


def _refused_at_data(probes: RelayProbes) -> set[int]:
    """Places of forms whose recipient was accepted, and DATA behind it refused for good."""
    return {data.form for data in probes.data if data.reply is not None and data.reply.permanent}


def _confirmed(probes: RelayProbes, delivery: Delivery) -> Violation:
    through = f"Received: {delivery.through}"
    return Violation(
        f"confirmed: relays mail for strangers: a message by {delivery.label} to "
        f"{delivery.rcpt_to} arrived after {delivery.waited_s:.1f} s ({_counted(probes)})",
        (
            cite(probes, "/delivery/received", through),
            cite(probes, "/delivery/rcpt_to", f"RCPT TO:<{delivery.rcpt_to}>"),
            cite(probes, "/delivery/mail_from", f"MAIL FROM:<{delivery.mail_from}>"),
        ),
        expected="5xx, or 454 4.7.1, without login",
    )


def _violations(probes: RelayProbes, places: list[int]) -> tuple[Violation, ...]:
    """One for each form; what else was taken, such as an impossible domain, is with the first."""
    first, *others = (_violation(probes, place, again=place != places[0]) for place in places)
    controls = tuple(
        cite(probes, f"/controls/{place}/rcpt", _dialogue(control))
        for place, control in enumerate(probes.controls)
        if control.outcome is FormOutcome.ACCEPTED
    )
    later = tuple(
        cite(probes, f"/data/{place}/reply", f"DATA got {data.reply.text}")
        for place, data in enumerate(probes.data)
        if data.reply is not None and data.reply.code == _START_MAIL_INPUT
    )
    return replace(first, evidence=first.evidence + later + controls), *others


def _violation(probes: RelayProbes, place: int, *, again: bool = False) -> Violation:
    """again: it was said of another form already how far the suspicion goes."""
    form = probes.forms[place]
    sender = cite(probes, f"/forms/{place}/mail_from", f"MAIL FROM:<{form.mail_from}>")
    said = f"relays mail for strangers, {_standing(probes)}: {_dialogue(form)} ({_counted(probes)})"
    return Violation(
        f"relays by {form.label} too: {_dialogue(form)}" if again else said,
        (_evidence(probes, place), sender),
        expected="5xx, or 454 4.7.1, without login",
    )


def _standing(probes: RelayProbes) -> str:
    """How far the suspicion goes."""
    delivery = probes.delivery
    if delivery is None or not delivery.token:
        return "accepted at RCPT"
    if delivery.unread is not None:
        return f"accepted at RCPT, and the canary's mailbox can't be read: {delivery.unread}"
    if delivery.received is not None:
        return "accepted, and delivered without a word of this host in Received"
    if delivery.taken:
        return f"accepted, not delivered within {delivery.waited_s:.0f} s"
    said = delivery.reply.text if delivery.reply is not None else delivery.note
    return f"accepted at RCPT, but the canary was not taken: {said}"


def _counted(probes: RelayProbes) -> str:
    answered = sum(
        _is_refused(form) or form.outcome is FormOutcome.ACCEPTED for form in probes.forms
    )
    return f"answered {answered} of {len(probes.forms)} forms"


def _dialogue(form: RelayForm) -> str:
    reply = form.rcpt.text if form.rcpt is not None else "an unknown reply"
    inside = " inside TLS" if form.encrypted else ""
    return f"RCPT TO:<{form.rcpt_to}>{inside} got {reply}"


def _all_evidence(probes: RelayProbes, places: list[int]) -> tuple[Evidence, ...]:
    return tuple(_evidence(probes, place) for place in places)


def _evidence(probes: RelayProbes, place: int) -> Evidence:
    return cite(probes, f"/forms/{place}/{_decisive(probes.forms[place])}")


def _decisive(form: RelayForm) -> str:
    if form.rcpt is not None:
        return "rcpt"
    return "mail" if form.mail is not None else "note"


def _accepted(probes: RelayProbes) -> list[int]:
    return [i for i, form in enumerate(probes.forms) if form.outcome is FormOutcome.ACCEPTED]


def _untried(probes: RelayProbes, patterns: tuple[str, ...]) -> list[str]:
    """Patterns of the policy that this run did not try; an unknown name never was tried."""
    tried = {form.pattern for form in probes.forms}
    required = PATTERNS if "all" in patterns else patterns
    return [pattern for pattern in required if pattern not in tried]


def _is_refused(form: RelayForm) -> bool:
    """Answered with no. MAIL with a forged sender may be refused as well as its RCPT."""
    if form.outcome in _REFUSED:
        return not form.beside_relaying
    refused_at_mail = form.rcpt is None and form.mail is not None and form.mail.permanent
    return refused_at_mail and form.forged
