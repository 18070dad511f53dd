"""Verdicts on SMTP replies that several audits reach in the same way."""

from audits.evaluate.verdict import Fail, Pass, Undecided, Verdict, Violation, cite
from audits.facts.fact import Fact, Reason
from audits.facts.smtp import EhloReply, Reply, StartTls


def starttls_works(ehlo: EhloReply, starttls: StartTls) -> Verdict:
    """Passes where STARTTLS is announced and 220 answers it (RFC 3207 section 4)."""
    if not starttls.offered:
        place = ehlo.stripped
        if place is not None:
            message = (
                f"EHLO lists {ehlo.keywords[place].name} where STARTTLS belongs: something on the "
                "way to the server strips it"
            )
            return Fail((Violation(message, (cite(ehlo, f"/keywords/{place}/name"),)),))
        listed = (cite(starttls, "/offered"), cite(ehlo, "/reply"))
        return Fail((Violation("EHLO does not list STARTTLS", listed),))
    if starttls.reply is None:
        detail = "STARTTLS is offered, but was not tried"
        return Undecided(Reason.NOT_COLLECTED, detail, (cite(starttls, "/offered"),))
    seen = (cite(starttls, "/reply"),)
    if starttls.reply.code == 220:
        return Pass(seen)
    put_off = starttls.reply.put_off
    if put_off is not None:
        return Undecided(put_off, f"STARTTLS got {starttls.reply.text}", seen)
    return Fail((Violation(f"STARTTLS is offered, then refused: {starttls.reply.text}", seen),))


def stranger_refused(fact: Fact, pointer: str, command: str, reply: Reply) -> Verdict:
    """Passes where a reply that is not positive turns away whoever has not logged in.

    `pointer` leads to `reply` in `fact`. A refusal for another reason decides nothing.
    """
    seen = (cite(fact, pointer),)
    if reply.denies_strangers:
        return Pass(seen)
    detail = f"{command} got {reply.text}, which says nothing about a login"
    return Undecided(reply.put_off or Reason.DENIED, detail, seen)
