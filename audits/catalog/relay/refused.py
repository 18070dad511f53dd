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
The probes end at RCPT, and no message is sent: a service that takes every recipient and throws the
mail away later (a sink) fails too, with the impossible domain that it took in the evidence. A form
that only rewrites into a local address is not held against a service that takes any local
recipient. Seen from a network that the host trusts, nothing can be said of strangers.
"""

import re

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
from audits.facts.relay import FormOutcome, RelayForm, RelayProbes

_REFUSED = frozenset({FormOutcome.DENIED, FormOutcome.SYNTAX})
_QUOTED = re.compile(r'"[^"]*"')


@audit(
    to=Target.MAIL_SERVICE,
    severity=Severity.CRITICAL,
    references=(Rfc(5068, "3.2"), Rfc(2505)),
    frameworks=(Doc("ISM", "0567"), Doc("RHEL STIG", "V-257951")),
)
def evaluate(probes: RelayProbes) -> Verdict:
    if probes.trusted_vantage:
        detail = "this vantage is one of the addresses that the inventory gives the host itself"
        return Undecided(Reason.NOT_COLLECTED, detail, (cite(probes, "/trusted_vantage"),))
    accepted = _accepted(probes)
    plain = [place for place in accepted if _is_plain(probes.forms[place])]
    if plain:
        return Fail(_violations(probes, plain))
    routed = [place for place in accepted if _names_a_domain(probes.forms[place])]
    if routed and all(control.outcome in _REFUSED for control in probes.controls):
        return Fail(_violations(probes, routed))
    if accepted:
        return _ambiguous(probes, accepted)
    return _all_refused(probes)


def _all_refused(probes: RelayProbes) -> Verdict:
    """Nothing was accepted: a pass where every form was answered, and the plain ones denied."""
    forms = probes.forms
    answered = [place for place, form in enumerate(forms) if _is_refused(form)]
    denied = {
        _is_bounce(form) for form in forms if _is_plain(form) and form.outcome is FormOutcome.DENIED
    }
    if len(answered) == len(forms) and denied == {True, False}:
        return Pass(tuple(_evidence(probes, place) for place in answered))
    counted = f"answered {len(answered)} of {len(forms)} forms"
    open_places = [place for place in range(len(forms)) if place not in answered]
    if not open_places:
        detail = f"{counted}, but not U@D from both a sender and <>"
        return Undecided(Reason.NOT_COLLECTED, detail, (cite(probes, "/forms"),))
    first = forms[open_places[0]]
    reply = first.rcpt or first.mail
    put_off = reply.put_off if reply is not None else None
    said = reply.text if reply is not None else first.note
    return Undecided(
        put_off or Reason.PROTOCOL,
        f"{counted}; {first.label}: {said}",
        (_evidence(probes, open_places[0]),),
    )


def _ambiguous(probes: RelayProbes, accepted: list[int]) -> Undecided:
    """Accepted, but perhaps as a local recipient."""
    labels = ", ".join(probes.forms[place].label for place in accepted)
    controls = _accepted_controls(probes)
    if controls:
        because = f"so is {' and '.join(control.rcpt_to for control in controls)}"
    elif any(_names_a_domain(probes.forms[place]) for place in accepted):
        because = "the controls were not answered"
    else:
        because = "the service may have put its own domain behind it"
    detail = f"ambiguous: {labels} accepted, but {because}"
    return Undecided(Reason.PROTOCOL, detail, tuple(_evidence(probes, place) for place in accepted))


def _violations(probes: RelayProbes, places: list[int]) -> tuple[Violation, ...]:
    """One for each form; what else was taken, such as an impossible domain, is with the first."""
    first, *others = (_violation(probes, place) for place in places)
    controls = tuple(
        cite(probes, f"/controls/{place}/rcpt", _dialogue(control))
        for place, control in enumerate(probes.controls)
        if control.outcome is FormOutcome.ACCEPTED
    )
    return replace(first, evidence=first.evidence + controls), *others


def _violation(probes: RelayProbes, place: int) -> Violation:
    form = probes.forms[place]
    sender = cite(probes, f"/forms/{place}/mail_from", f"MAIL FROM:<{form.mail_from}>")
    return Violation(
        f"relays mail for strangers: {_dialogue(form)}",
        (_evidence(probes, place), sender),
        expected="5xx, or 454 4.7.1, without login",
    )


def _dialogue(form: RelayForm) -> str:
    reply = form.rcpt.text if form.rcpt is not None else "an unknown reply"
    return f"RCPT TO:<{form.rcpt_to}> got {reply}"


def _evidence(probes: RelayProbes, place: int) -> Evidence:
    return cite(probes, f"/forms/{place}/{_decisive(probes.forms[place])}")


def _decisive(form: RelayForm) -> str:
    if form.rcpt is not None:
        return "rcpt"
    return "mail" if form.mail is not None else "note"


def _accepted(probes: RelayProbes) -> list[int]:
    return [i for i, form in enumerate(probes.forms) if form.outcome is FormOutcome.ACCEPTED]


def _accepted_controls(probes: RelayProbes) -> list[RelayForm]:
    return [form for form in probes.controls if form.outcome is FormOutcome.ACCEPTED]


def _is_plain(form: RelayForm) -> bool:
    """The recipient is a plain address at the foreign domain, whoever the sender is."""
    return form.label.split(" ")[-1:] == ["U@D"]


def _is_bounce(form: RelayForm) -> bool:
    return not form.mail_from


def _is_refused(form: RelayForm) -> bool:
    """Answered with no. MAIL with a forged sender may be refused as well as its RCPT."""
    if form.outcome in _REFUSED:
        return True
    refused_at_mail = form.rcpt is None and form.mail is not None and form.mail.permanent
    return refused_at_mail and form.label.startswith("<S@")


def _names_a_domain(form: RelayForm) -> bool:
    """A recipient without domain, such as `D!U` or `"U@D"`, is made local by many servers."""
    return "@" in _QUOTED.sub("", form.rcpt_to)
