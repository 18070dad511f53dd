"""Evidence: the place in a fact, and the place in a file that the fact was read from."""

from audits.evaluate.verdict import cite
from audits.facts.fact import Step
from audits.facts.mta import ConfigLine, Mta, TrustedNetwork, TrustedNetworks
from audits.facts.place import Place
from audits.subject import MailHost

LINE = ConfigLine(Place("main.cf", 7), "mynetworks = 0.0.0.0/0")
NETWORKS = TrustedNetworks(
    MailHost("mx1.example.net"),
    (TrustedNetwork(Mta.POSTFIX, "/etc/postfix", "0.0.0.0/0", LINE),),
    None,
)


def test_evidence_from_a_file_names_its_line() -> None:
    evidence = cite(NETWORKS, "/networks/0/line")
    assert (evidence.quote, evidence.place) == (LINE.text, LINE.place)
    assert evidence.step is Step.RCPT


def test_evidence_from_elsewhere_has_no_place() -> None:
    assert cite(NETWORKS, "/networks/0/prefix").place is None
