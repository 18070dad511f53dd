"""Files of Exim's that are there, and may not be seen."""

from audits.facts.fact import Reason, Silence
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.parse.exim.reading import read_exim

PLACE = "/etc/exim4/exim4.conf"
MORE = "/etc/exim4/local.conf"
TEXT = f"primary_hostname = mx1.example.net\n.include_if_exists {MORE}\n"


def test_include_that_may_be_absent_is_missed_where_it_may_not_be_seen() -> None:
    files = {PLACE: ConfigText(PLACE, TEXT)}
    denied = {MORE: Silence(Reason.DENIED, f"{MORE} may not be seen")}
    absent = {MORE: Silence(Reason.ABSENT, f"{MORE} is not there")}
    for silent, unread in ((denied, (f"{MORE} may not be seen",)), (absent, ())):
        found = read_exim(ConfigTree(files, silent), PLACE, "4.96")
        assert not isinstance(found, Silence)
        assert found.program.unread == unread
