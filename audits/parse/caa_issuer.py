"""Which domain names public certification authorities recognise in CAA records."""

from collections.abc import Iterable, Mapping

_DIGICERT = ("digicert.com", "symantec.com", "geotrust.com", "thawte.com", "rapidssl.com")
_SECTIGO = ("sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com")
_AMAZON = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")
_GODADDY = ("godaddy.com", "starfieldtech.com")
_GOOGLE = ("pki.goog", "google.com")

# By organizationName of the issuing certificate; CAs state their names in section 4.2 of their
# certification practice statements.
ISSUERS: Mapping[str, tuple[str, ...]] = {
    "Actalis S.p.A.": ("actalis.it",),
    "Amazon": _AMAZON,
    "Asseco Data Systems S.A.": ("certum.pl", "certum.eu"),
    "Buypass AS-983163327": ("buypass.com", "buypass.no"),
    "COMODO CA Limited": _SECTIGO,
    "D-Trust GmbH": ("d-trust.net", "dtrust.de", "d-trust.de"),
    "Deutsche Telekom Security GmbH": ("telesec.de",),
    "DigiCert Inc": _DIGICERT,
    "DigiCert, Inc.": _DIGICERT,
    "Entrust, Inc.": ("entrust.net", "affirmtrust.com"),
    "GlobalSign nv-sa": ("globalsign.com",),
    "GoDaddy.com, Inc.": _GODADDY,
    "Google Trust Services": _GOOGLE,
    "Google Trust Services LLC": _GOOGLE,
    "Hellenic Academic and Research Institutions CA": ("harica.gr",),
    "IdenTrust": ("identrust.com",),
    "Internet Security Research Group": ("letsencrypt.org",),
    "Let's Encrypt": ("letsencrypt.org",),
    "Microsoft Corporation": ("microsoft.com",),
    "SSL Corporation": ("ssl.com",),
    "Sectigo Limited": _SECTIGO,
    "Starfield Technologies, Inc.": _GODADDY,
    "SwissSign AG": ("swisssign.com", "swisssign.net"),
    "ZeroSSL": ("sectigo.com",),
}


def issuer_domains(organization: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """The names that a CA goes by in CAA, by its organizationName; empty where none is known.

    more: `organizationName=domain` each, in addition to those known here.
    """
    own = (entry.rpartition("=") for entry in more)
    added = tuple(domain.strip().lower() for held, _, domain in own if held == organization)
    return added + ISSUERS.get(organization, ())
