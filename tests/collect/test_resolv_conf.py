"""The resolvers of this system, from a resolv.conf(5) of our own."""

from pathlib import Path

import pytest

from audits.collect.live import resolv_conf as module
from audits.collect.live.resolv_conf import nameservers
from audits.collect.live.resolver import Resolver
from audits.errors import UsageError
from audits.settings import ResolverSettings


def test_nameservers_are_read_from_resolv_conf() -> None:
    text = "# nameserver 9.9.9.9\nnameserver 192.0.2.53\nsearch example\nnameserver ::1 # x\n"
    assert nameservers(text) == ("192.0.2.53", "::1")
    assert nameservers("nameserver\nnameserver resolver.example\n") == ()


def test_a_system_without_resolver_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLV_CONF", tmp_path / "resolv.conf")
    with pytest.raises(UsageError, match="No such file"):
        Resolver(ResolverSettings())
    (tmp_path / "resolv.conf").write_text("search example\n")
    with pytest.raises(UsageError, match="found no nameserver"):
        Resolver(ResolverSettings())
