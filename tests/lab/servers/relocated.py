"""A case of tests/data/mta with the names and the paths of the lab."""

import dataclasses
from pathlib import Path

from tests.lab.servers.server import Site
from tests.misconfigurations import Case

_HOST, _DOMAIN = "mx1.example.net", "example.net"


def relocated(case: Case, folder: Path, site: Site) -> Case:
    """Its files stand in one folder, and speak of a host of the lab and its domain."""
    moved = {path: str(folder / Path(path).name) for path in case.texts}
    texts = {}
    for path, text in case.texts.items():
        for old in sorted(moved, key=len, reverse=True):
            text = text.replace(old, moved[old])
        texts[moved[path]] = text.replace(_HOST, site.host).replace(_DOMAIN, site.domain)
    return dataclasses.replace(case, place=moved[case.place], texts=texts)
