"""What TXT records say."""

from dns.rdtypes.ANY.TXT import TXT

from audits.collect.live.resolver import Reply


def texts(reply: Reply) -> tuple[str, ...]:
    """The texts of TXT records, strings joined with nothing between, sorted."""
    joined = (b"".join(rdata.strings) for rdata in reply.rdatas if isinstance(rdata, TXT))
    return tuple(sorted(map(_text, joined)))


def _text(octets: bytes) -> str:
    """UTF-8 where it is that, else one character for each octet, so that none is lost."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
