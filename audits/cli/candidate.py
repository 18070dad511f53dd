"""The files that the configuration names under `candidate`: found, and checked."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from audits.cli.workspace import Workspace
from audits.collect.candidate.assembly import CandidateFiles
from audits.collect.candidate.mta_files import ProgramFiles, read_files
from audits.collect.candidate.zones import read_zones
from audits.config import Candidate
from audits.document import read_document
from audits.errors import ParseError, UsageError
from audits.facts.fact import Silence
from audits.facts.mta import Mta, Problem
from audits.facts.zone import ZoneProblem
from audits.parse.declared_name import declared_name
from audits.parse.located_yaml import Document, nearest


def candidate_files(workspace: Workspace, *, whole: bool) -> CandidateFiles:
    """The files under `candidate`. whole: those that are not there are an error.

    Raises UsageError, with a line for every problem.
    """
    config = workspace.config
    candidate = config.candidate
    document = read_document(config.path, UsageError) if whole and config.path else None
    problems = list(_problems(document, candidate, workspace)) if document else []
    if whole and not candidate.zones and not candidate.hosts:
        where = document.name if document else "there is no mailproof.yaml"
        problems.append(f"{where}: found no files under `candidate`, expected zones or hosts")
    if problems:
        raise UsageError("\n".join(problems))
    zones = {
        declared_name(origin): config.root / file
        for origin, file in candidate.zones.items()
        if (config.root / file).is_file()
    }
    return CandidateFiles(
        zones=read_zones(zones, config.root),
        hosts=host_files(candidate, config.root),
        base=config.root,
    )


def host_files(candidate: Candidate, root: Path) -> Mapping[str, Sequence[ProgramFiles]]:
    """The configuration of each host that has any there, by its name."""
    found = {
        host.lower(): [
            ProgramFiles(Mta(name), root / program.path, program.version)
            for name, program in programs.programs.items()
            if (root / program.path).exists()
        ]
        for host, programs in candidate.hosts.items()
    }
    return {host: programs for host, programs in found.items() if programs}


def _problems(document: Document, candidate: Candidate, workspace: Workspace) -> Iterator[str]:
    root = workspace.config.root
    known = workspace.whole_fleet.host_names
    for origin, file in candidate.zones.items():
        at = ("candidate", "zones", origin)
        try:
            declared_name(origin)
        except ParseError as error:
            yield document.problem(at, str(error))
        if not (root / file).is_file():
            yield document.problem(at, f"found {file!r}, which is no file, expected a zone file")
    for host, programs in candidate.hosts.items():
        if host.lower() not in known:
            found = f"found {host!r}, expected a host of the inventory{nearest(host, known)}"
            yield document.problem(("candidate", "hosts", host), found)
        for name, program in programs.programs.items():
            if not (root / program.path).exists():
                found = f"found {program.path!r}, which is not there, expected a file or a folder"
                yield document.problem(("candidate", "hosts", host, name), found)


def check_candidate(workspace: Workspace) -> CandidateFiles | None:
    """The files under `candidate`, each of which can be read; None where it names none.

    Raises UsageError with a line for everything that is not there or can't be parsed.
    """
    candidate = workspace.config.candidate
    if not candidate.zones and not candidate.hosts:
        return None
    files = candidate_files(workspace, whole=True)
    problems = [*_of_zones(files), *_of_hosts(files)]
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))
    return files


def _of_zones(files: CandidateFiles) -> Iterator[str]:
    for zone in files.zones.zones:
        if zone.whole is not None and not zone.problems:
            yield f"{zone.file}: {zone.whole.detail}"
        yield from map(_line, zone.problems)


def _of_hosts(files: CandidateFiles) -> Iterator[str]:
    for host, programs in sorted(files.hosts.items()):
        for program in programs:
            for reading in read_files([program], files.base):
                if isinstance(reading, Silence):
                    yield f"{program.path}: {program.mta} of {host}: {reading.detail}"
                    continue
                broken = (each for each in reading.program.problems if each.kind == "syntax")
                yield from map(_line, broken)


def _line(problem: Problem | ZoneProblem) -> str:
    at = problem.place
    return f"{at.file}:{at.line}:{at.column}: {problem.message}, expected {problem.expected}"
