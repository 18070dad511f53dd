"""Several instances of Postfix on one host are all read."""

from audits.collect.configured import Installed, read_programs
from audits.facts.mta import Mta
from audits.parse.config_tree import ConfigText, ConfigTree, Reading

MAIN = "multi_instance_directories = /etc/postfix-out\n"
MASTER = "smtp inet n - n - - smtpd\n"


def test_listeners_of_every_instance_are_read() -> None:
    files = {
        "/etc/postfix/main.cf": MAIN,
        "/etc/postfix/master.cf": MASTER,
        "/etc/postfix-out/main.cf": "multi_instance_enable = yes\n",
        "/etc/postfix-out/master.cf": MASTER.replace("smtp ", "2525 "),
    }
    tree = ConfigTree({path: ConfigText(path, text) for path, text in files.items()})
    found = read_programs(tree, [Installed(Mta.POSTFIX, "/etc/postfix", None)])
    readings = [each for each in found if isinstance(each, Reading)]
    assert [(each.listeners[0].instance, each.listeners[0].port) for each in readings] == [
        ("/etc/postfix", 25),
        ("/etc/postfix-out", 2525),
    ]
