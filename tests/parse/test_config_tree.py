"""Files of a configuration: found by path, and told apart from those that are missing."""

from audits.facts.fact import Reason, Silence
from audits.parse.config_tree import ConfigText, ConfigTree

TREE = ConfigTree(
    {
        "/etc/postfix/main.cf": ConfigText("hosts/mx1/main.cf", "a = b\n"),
        "/etc/postfix/../postfix/maps/one.cf": ConfigText("one.cf", ""),
        "/etc/postfix/maps/two.cf": ConfigText("two.cf", ""),
    },
    {"/etc/postfix/sasl": Silence(Reason.DENIED, "permission denied")},
)


def test_file_is_found_under_any_spelling_of_its_path() -> None:
    found = TREE.read("/etc//postfix/./main.cf")
    assert found == ConfigText("hosts/mx1/main.cf", "a = b\n")


def test_refused_file_keeps_its_reason() -> None:
    assert TREE.read("/etc/postfix/sasl") == Silence(Reason.DENIED, "permission denied")


def test_file_that_nobody_supplied_is_not_collected() -> None:
    missing = TREE.read("/etc/postfix/master.cf")
    assert missing == Silence(Reason.NOT_COLLECTED, "/etc/postfix/master.cf was not supplied")


def test_pattern_stays_within_its_folder() -> None:
    assert list(TREE.matching("/etc/postfix/*.cf")) == ["/etc/postfix/main.cf"]
    assert list(TREE.matching("/etc/postfix/maps/*")) == [
        "/etc/postfix/maps/one.cf",
        "/etc/postfix/maps/two.cf",
    ]
