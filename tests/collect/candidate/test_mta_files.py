"""Files under review become facts about their host, with the names that a repository gives them."""

import asyncio
from pathlib import Path

from audits.collect.candidate.mta_files import MtaFiles, ProgramFiles
from audits.collect.collector import Origin
from audits.collect.configured import KINDS
from audits.facts.fact import AnyObservation, Observed, Reason, Unobserved
from audits.facts.mta import Mta, MtaListeners, MtaPrograms, Question, TrustedNetworks
from audits.subject import MailHost
from tests.build import AS_OF, snapshot
from tests.parse.postfix.configs import MAIN_CF, MASTER_CF

HOST = MailHost("mx1.example.net")
ORIGIN = Origin("here", lambda: AS_OF)


def collected(base: Path, path: Path) -> list[AnyObservation]:
    collector = MtaFiles(ORIGIN, KINDS, {HOST.name: [ProgramFiles(Mta.POSTFIX, path)]}, base)
    return list(asyncio.run(collector.collect(HOST, snapshot())))


def write(folder: Path, **files: str) -> Path:
    for name, text in {"main.cf": MAIN_CF, "master.cf": MASTER_CF, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_folder_of_a_postfix_gives_every_fact_with_paths_of_the_repository(tmp_path: Path) -> None:
    tables = {"tables/nets": "0.0.0.0/0 all\n"}
    main = MAIN_CF.replace("127.0.0.0/8", "cidr:/etc/postfix/tables/nets")
    folder = write(tmp_path / "hosts/mx1/postfix", **{"main.cf": main, **tables})
    programs, listeners, networks = (
        observed.fact for observed in collected(tmp_path, folder) if isinstance(observed, Observed)
    )
    assert isinstance(programs, MtaPrograms)
    assert isinstance(listeners, MtaListeners)
    assert isinstance(networks, TrustedNetworks)
    relay = listeners.listeners[0].ruling(Question.RELAY)
    assert relay is not None
    assert [str(line.place) for line in relay.lines] == ["hosts/mx1/postfix/tables/nets:1"]


def test_folder_without_main_cf_gives_no_fact(tmp_path: Path) -> None:
    tmp_path.joinpath("notes.txt").write_text("nothing here")
    found = collected(tmp_path, tmp_path)
    reasons = {o.reason for o in found if isinstance(o, Unobserved)}
    assert (len(found), reasons) == (3, {Reason.NOT_COLLECTED})


def test_host_that_is_not_under_review_is_left_out(tmp_path: Path) -> None:
    collector = MtaFiles(ORIGIN, KINDS, {}, tmp_path)
    found = asyncio.run(collector.collect(HOST, snapshot()))
    reasons = {o.reason for o in found if isinstance(o, Unobserved)}
    assert (len(found), reasons) == (3, {Reason.SKIPPED})


def test_octets_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with folder.joinpath("main.cf").open("ab") as file:
        file.write(b"myorigin = \xff\xfe\x00\n")
    assert all(isinstance(each, Observed) for each in collected(tmp_path, folder))


def test_link_out_of_the_repository_is_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("0.0.0.0/0 hidden\n")
    main = MAIN_CF.replace("127.0.0.0/8", "cidr:/etc/postfix/nets")
    folder = write(tmp_path / "repository/postfix", **{"main.cf": main})
    folder.joinpath("nets").symlink_to(outside)
    found = collected(tmp_path / "repository", folder)
    assert "hidden" not in str(found)
    assert "leads out of the repository" in str(found)
