"""What is built: the data folders travel in the wheel and the sdist, and are found in each form."""

import json
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
DATA = ("policies", "templates", "inventory")
# one file that must travel of each folder: a policy, a template, the sample inventory
KEY_FILES = {
    "policies": "baseline.yaml",
    "templates": "report.html.j2",
    "inventory": "hosts.yaml",
}


def build(target: str, into: Path) -> Path:
    """Builds with the installed hatchling, offline; returns the file that it made."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (made,) = into.iterdir()
    return made


def installed_editable() -> bool:
    """Whether this environment has this checkout as `pip install -e` leaves it."""
    try:
        origin = distribution("mailproof").read_text("direct_url.json")
    except PackageNotFoundError:
        return False
    direct = json.loads(origin or "{}")
    return bool(direct.get("dir_info", {}).get("editable")) and direct["url"] == ROOT.as_uri()


def where_from(site: Path, name: str) -> Path:
    """What `resources.folder` says in a fresh interpreter that sees the package through `site`."""
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        f"from audits import resources; print(resources.folder({name!r}))"
    )
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


@pytest.mark.parametrize("folder", DATA)
def test_wheel_holds_every_file_of_the_data_folder(wheel: Path, folder: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    tracked = {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob("*") if p.is_file()}
    assert f"{folder}/{KEY_FILES[folder]}" in tracked
    assert {f"audits/_data/{name}" for name in tracked} <= inside


def test_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
    assert "audits/catalog/mx/null_stands_alone.py" in inside
    assert {PurePosixPath(name).parts[0].split("-")[0] for name in inside} == {
        "audits",
        "mailproof",
    }


def test_sdist_builds_the_same_wheel_again(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path / "unpacked")
    (source,) = (tmp_path / "unpacked").iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "w")]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (again,) = (tmp_path / "w").iterdir()
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


@pytest.mark.parametrize("folder", DATA)
def test_installed_wheel_finds_its_data(wheel: Path, folder: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    found = where_from(tmp_path, folder)
    assert found == (tmp_path / "audits" / "_data" / folder).resolve()
    assert (found / KEY_FILES[folder]).is_file()


@pytest.mark.skipif(not installed_editable(), reason="this checkout is not installed as editable")
@pytest.mark.parametrize("folder", DATA)
def test_editable_install_finds_the_data_of_the_checkout(folder: str, tmp_path: Path) -> None:
    code = f"from audits import resources; print(resources.folder({folder!r}))"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert Path(done.stdout.strip()) == ROOT / folder, done.stderr


@pytest.mark.parametrize("folder", DATA)
def test_data_folder_holds_no_python(folder: str) -> None:
    assert not list((ROOT / folder).rglob("*.py")), "hatchling's editable build breaks on it"
