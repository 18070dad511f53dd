"""mta-trusted-networks-narrow."""

from audits.catalog.mta.trusted_networks_narrow import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places


def test_loopback_and_private_networks_pass() -> None:
    networks = "mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 10.20.0.0/16\n"
    assert of(evaluate, networks, without="mynetworks").outcome is Outcome.PASS


def test_trust_in_the_host_alone_passes() -> None:
    assert of(evaluate, "mynetworks_style = host\n", without="mynetworks").outcome is Outcome.PASS


def test_wide_networks_fail_each_at_its_line() -> None:
    networks = "mynetworks = 10.0.0.0/8,\n  198.51.100.0/24\n  192.0.0.0/10 2001:db8::/32\n"
    result = of(evaluate, networks, without="mynetworks")
    assert result.outcome is Outcome.FAIL
    assert [(v.message, v.expected) for v in result.violations] == [
        ("postfix trusts 10.0.0.0/8", "/16 or longer"),
        ("postfix trusts 192.0.0.0/10", "/24 or longer"),
        ("postfix trusts 2001:db8::/32", "/48 or longer"),
    ]
    assert places(result) == ["main.cf:8", "main.cf:10", "main.cf:10"]


def test_own_public_network_may_be_wider() -> None:
    networks = "mynetworks = 93.184.0.0/20\n"
    own = ["93.184.0.0/16"]
    assert of(evaluate, networks, without="mynetworks").outcome is Outcome.FAIL
    assert of(evaluate, networks, without="mynetworks", internal=own).outcome is Outcome.PASS


def test_trust_in_neighbours_fails() -> None:
    result = of(evaluate, "mynetworks_style = class\n", without="mynetworks")
    assert result.outcome is Outcome.FAIL
    assert places(result) == ["main.cf:8"]


def test_table_that_was_not_supplied_leaves_it_open() -> None:
    result = of(evaluate, "mynetworks = cidr:/nets\n", without="mynetworks")
    assert result.outcome is Outcome.UNKNOWN
