"""Files as they were at the commit that a change begins from, read with git."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from audits.errors import UsageError

_PATIENCE_S = 60
# A configuration repository has far fewer, and no file of these sizes that is read.
_MOST_FILES = 50_000
_MOST_OCTETS = 64 * 1024 * 1024
# A hook of git runs us with these; the repository is the one that the configuration is in.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_FILE_MODES = ("100644", "100755")
_LINK_MODE = "120000"


@dataclass(frozen=True)
class Revision:
    """The commit that a change begins from. top: the top of the work tree."""

    top: Path
    ref: str
    commit: str


def merge_base(folder: Path, ref: str) -> Revision:
    """The commit where what is checked out in `folder` left `ref`.

    Raises UsageError where there is no repository, no such revision, or no common commit.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    wanted = f"{ref}^{{commit}}"
    found = _run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    if found.returncode != 0:
        words = f"--base: found {ref!r}, expected a branch, tag or commit of {top}"
        raise UsageError(words + _if_shallow(top))
    common = _run(top, "merge-base", found.stdout.decode().strip(), "HEAD")
    if common.returncode != 0:
        words = f"--base: found no commit that HEAD and {ref} have in common"
        raise UsageError(words + _if_shallow(top))
    return Revision(top, ref, common.stdout.decode().strip())


def _if_shallow(top: Path) -> str:
    shallow = _run(top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    help_ = "; this clone is shallow: fetch all of it, as with `git fetch --unshallow origin`"
    return help_ if shallow else ""


@contextmanager
def checked_out(revision: Revision) -> Iterator[Path]:
    """A temporary folder with the files of a revision; the repository itself is only read.

    No filter, attribute or hook of the repository is run. Links that lead out of it are left out.
    """
    with TemporaryDirectory(prefix="mailproof-base-") as name:
        folder = Path(name).resolve()
        _write_files(revision, folder)
        yield folder


def _write_files(revision: Revision, folder: Path) -> None:
    listing = _git(revision.top, "ls-tree", "-r", "-z", "--full-tree", "-l", revision.commit)
    entries: list[tuple[str, str, str]] = []
    for line in listing.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        kind, _, digest, octets = about.decode().split()
        if kind in (*_FILE_MODES, _LINK_MODE) and int(octets) <= _MOST_OCTETS:
            entries.append((kind, digest, os.fsdecode(name)))
    if len(entries) > _MOST_FILES:
        raise UsageError(f"--base: {revision.top} has more than {_MOST_FILES:,} files")
    asked = "".join(f"{digest}\n" for _, digest, _ in entries).encode()
    contents = _git(revision.top, "cat-file", "--batch", given=asked)
    offset = 0
    for mode, _, path in entries:
        end = contents.index(b"\n", offset)
        size = int(contents[offset:end].split()[2])
        content = contents[end + 1 : end + 1 + size]
        offset = end + 1 + size + 1
        _write(folder, path, content, link=mode == _LINK_MODE)


def _write(folder: Path, path: str, octets: bytes, *, link: bool) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder):
        return
    if not link:
        target.write_bytes(octets)
        return
    to = os.fsdecode(octets)
    inside = (target.parent / to).resolve().is_relative_to(folder)
    if inside and not PurePosixPath(to).is_absolute():
        target.symlink_to(to)


def _git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    """What git prints. Raises UsageError with its first line of complaint."""
    done = _run(folder, *arguments, given=given)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise UsageError(f"--base: git {arguments[0]} in {folder}: {said[0]}")
    return done.stdout


def _run(
    folder: Path, *arguments: str, given: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            env={name: value for name, value in os.environ.items() if name not in _OF_HOOKS},
            input=b"" if given is None else given,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("--base: git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"--base: git {arguments[0]} took over {_PATIENCE_S} s") from error
