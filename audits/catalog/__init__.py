"""The audits, one a file; the id of `catalog/mx/published.py` is `mx-published`."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from audits.evaluate.audit import Audit, id_of


class Catalog(Mapping[str, Audit]):
    """Every audit by its id, sorted; the module of one is imported when it is asked for.

    Raises TypeError then, naming the module, where its signature or docstring is not of the form.
    """

    def __init__(self) -> None:
        self._modules = dict(sorted((id_of(module), module) for module in _modules()))

    def __getitem__(self, name: str) -> Audit:
        module = self._modules[name]
        audit = import_module(module).evaluate
        if not isinstance(audit, Audit):
            raise TypeError(f"{module}: `evaluate` is not decorated with @audit")
        return audit

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules


@cache
def load() -> Mapping[str, Audit]:
    """The catalogue."""
    return Catalog()


def _modules() -> Iterator[str]:
    for topic in iter_modules(__path__):
        places = [f"{place}/{topic.name}" for place in __path__]
        yield from (f"{__name__}.{topic.name}.{each.name}" for each in iter_modules(places))
