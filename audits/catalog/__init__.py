"""The audits, one a file; the id of `catalog/mx/published.py` is `mx-published`."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import MappingProxyType

from audits.evaluate.audit import Audit


@cache
def load() -> Mapping[str, Audit]:
    """Every audit of the catalogue by its id, sorted.

    Raises TypeError, naming the module, on one whose signature or docstring is not of the form.
    """
    found: dict[str, Audit] = {}
    for module in walk_packages(__path__, f"{__name__}."):
        if not module.ispkg:
            audit = import_module(module.name).evaluate
            if not isinstance(audit, Audit):
                raise TypeError(f"{module.name}: `evaluate` is not decorated with @audit")
            found[audit.id] = audit
    return MappingProxyType(dict(sorted(found.items())))
