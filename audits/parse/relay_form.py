"""The ways to ask a server to relay: pairs of envelope addresses, written in symbols.

They go back to the days of source routes and mail between networks (RFC 5321 appendix F.2, RFC 1123
section 5.2.16), and are what open-relay tests have tried ever since.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

_SYMBOL = re.compile(r"\[IP\]|[DHLSU]")


@dataclass(frozen=True)
class Form:
    """A form in the symbols of `RelayForm.label`. ehlo: `H`, a name, or empty for our own."""

    pattern: str
    sender: str
    recipient: str
    ehlo: str = ""

    @property
    def label(self) -> str:
        addresses = f"{self.sender} {self.recipient}"
        return f"EHLO {self.ehlo}: {addresses}" if self.ehlo else addresses


Transactions = tuple[tuple[Form, ...], ...]

# An own sender: rules that let it relay name the domains of mailboxes, and the host where there is
# no such domain.
LOCAL_SENDER = Form("P03", "<S@L>", "U@D")
HOST_SENDER = Form("P03", "<S@H>", "U@D")

_USUAL: Transactions = (
    (
        Form("P01", "<S>", "U@D"),
        Form("P08", "<S>", "U%D@H"),
        Form("P10", "<S>", '"U@D"@H'),
        Form("P15", "<S>", "D!U@H"),
        Form("P12", "<S>", "@H:U@D"),
        Form("P09", "<S>", "U%D@[IP]"),
    ),
    (Form("P02", "<>", "U@D"),),
)

# The three literals are syntax errors to Exim, which hangs up after the fourth of a connection
# (smtp_max_synprot_errors).
_ODD: Transactions = (
    (
        Form("", "<S>", '"U@D"@[IP]'),
        Form("", "<S>", "D!U@[IP]"),
        Form("P13", "<S>", "@[IP]:U@D"),
        Form("", "<S>", '"U@D"'),
        Form("P11", "<S>", '"U%D"'),
        Form("P14", "<S>", "D!U"),
    ),
)
# Three syntax errors more.
_MALFORMED: Transactions = (
    (
        Form("P16", "<S>", "U@D@H"),
        Form("", "<S>", "U@D@[IP]"),
        Form("", "<S>", "U@D@"),
    ),
)
# A server may remember the first EHLO of a connection. Own names are what robots say: it may also
# keep the client out from then on.
FORGED_EHLO: tuple[Transactions, ...] = (
    ((Form("P06", "<S>", "U@D", "H"),),),
    ((Form("P07", "<S>", "U@D", "localhost"),),),
)
_SENDERS: Transactions = (
    (Form("P04", "<S@[IP]>", "U@D"),),
    (Form("P05", "<S@>", "U@D"),),
    (Form("", "<S@localhost>", "U@D"),),
)


def usual(*, serves: bool) -> Transactions:
    """The first conversation. serves: a domain is known that the server takes mail for.

    One MAIL each, and eight refusals in all: Postfix slows down at the tenth
    (smtpd_soft_error_limit), and Exim counts RSET (smtp_accept_max_nonmail).
    """
    return (*_USUAL, (LOCAL_SENDER if serves else HOST_SENDER,))


def others(*, serves: bool) -> tuple[Transactions, ...]:
    """What is tried beside the usual forms: connection by connection, the last with room for more.

    serves: as for `usual`.
    """
    return (_ODD, _MALFORMED, (*_SENDERS, (HOST_SENDER,)) if serves else _SENDERS)


PATTERNS: tuple[str, ...] = tuple(f"P{number:02}" for number in range(1, 17))


@dataclass(frozen=True)
class Names:
    """What the symbols stand for.

    sender, recipient: mailboxes. host, address: of the server. served: a domain that it serves.
    """

    sender: str
    recipient: str
    host: str
    address: str
    served: str = ""


@dataclass(frozen=True)
class Envelope:
    """A form with its symbols replaced. ehlo: empty for our own name."""

    pattern: str
    label: str
    ehlo: str
    sender: str
    recipient: str


def envelope(form: Form, names: Names) -> Envelope:
    """What is sent for a form at a server of these names."""
    user, _, domain = names.recipient.rpartition("@")
    symbols = {
        "S": names.sender.rpartition("@")[0],
        "U": user,
        "D": domain,
        "H": names.host,
        "L": names.served,
        "[IP]": literal(names.address),
    }

    def replaced(text: str) -> str:
        return _SYMBOL.sub(lambda symbol: symbols[symbol[0]], text)

    sender = form.sender.strip("<>")
    return Envelope(
        form.pattern,
        form.label,
        ehlo=replaced(form.ehlo),
        sender=names.sender if sender == "S" else replaced(sender).removesuffix("@"),
        recipient=replaced(form.recipient),
    )


def controls(names: Names, word: str) -> tuple[Envelope, ...]:
    """Recipients that exist nowhere: at a domain served here, at the host, at no domain.

    word: a random one. RFC 2606 section 2: `.invalid` is never delegated.
    """
    recipients = {
        "<S> <random>@served": f"{word}@{names.served}" if names.served else "",
        "<S> <random>@H": f"{word}@{names.host}",
        "<S> x@<random>.invalid": f"mailproof@{word}.invalid",
    }
    return tuple(
        Envelope("", label, "", names.sender, to) for label, to in recipients.items() if to
    )


def form_of(label: str) -> Form:
    """The form of that label; raises KeyError where there is none."""
    return _BY_LABEL[label]


def literal(address: str) -> str:
    """The address as a domain literal (RFC 5321 section 4.1.3)."""
    return f"[IPv6:{address}]" if ip_address(address).version == 6 else f"[{address}]"


_BY_LABEL = {
    form.label: form
    for transactions in (usual(serves=True), *FORGED_EHLO, *others(serves=True))
    for forms in transactions
    for form in forms
}
