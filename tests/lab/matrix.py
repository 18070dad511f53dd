"""The outcome matrix: good servers of four kinds, and faults beside them, one in each host.

A row says which outcomes its fault changes. All others have to be those of the good server of its
kind, so that an accusation of the innocent shows as well as a fault that goes unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from audits.demo.certificates import Authority, Credentials, short_rsa_key
from tests.lab.lab import Certificate, Machine, for_all, trusted
from tests.lab.servers import exim
from tests.lab.servers.dovecot import BACKEND, SASL_PORT, DovecotSettings
from tests.lab.servers.exim import EximSettings
from tests.lab.servers.middlebox import BEHIND, MiddleboxSettings
from tests.lab.servers.opensmtpd import LISTENERS, LOCAL, STABLE, OpenSmtpdSettings
from tests.lab.servers.postfix import OWN_ADDRESS_ALONE, SUBMISSION, SUBMISSIONS, PostfixSettings
from tests.lab.servers.server import Software

FAIL, UNKNOWN, NOT_APPLICABLE, PASS = "fail", "unknown", "not-applicable", "pass"
_FIRST_NUMBER = 20
_SUBMISSION = SUBMISSION | OWN_ADDRESS_ALONE
_SUBMISSIONS = SUBMISSIONS | OWN_ADDRESS_ALONE
_SERVICES: Mapping[int, Mapping[str, str]] = {25: {}, 465: _SUBMISSIONS, 587: _SUBMISSION}


# Dovecot tells it with XCLIENT who has logged in.
_BEHIND_DOVECOT = {
    **OWN_ADDRESS_ALONE,
    "smtpd_authorized_xclient_hosts": "127.0.0.1",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_tls_auth_only": "no",
    "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
}


# What swap_bangpath does in Postfix: `domain!user` is a mailbox elsewhere.
_BANG_ROUTER = """\
bang:
  driver    = redirect
  domains   = +local_domains
  condition = ${if match{$local_part}{!}}
  data      = ${sg{$local_part}{^(.+)!(.+)\\$}{\\$2@\\$1}}
"""


@dataclass(frozen=True)
class Row:
    """A host of the matrix.

    kind: the label of the good row that it is held against. differs: its outcome of each audit
    that is not as there, `audit` or, for one port alone, `audit:port`. hidden: per port, what comes
    of every audit that a good server passes and that `differs` does not name.
    """

    label: str
    kind: str
    servers: tuple[Software, ...]
    differs: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[int, str] = field(default_factory=dict)
    certificate: Certificate | None = trusted

    @property
    def good(self) -> bool:
        return self.label == self.kind

    @property
    def domain(self) -> str:
        return f"{self.label}.example.org"


def postfix(
    main: Mapping[str, str] | None = None,
    services: Mapping[int, Mapping[str, str]] | None = None,
    mechanisms: str = "PLAIN SCRAM-SHA-256",
) -> tuple[Software, ...]:
    """A good Postfix but for these; services: in place of all options of a port."""
    return (PostfixSettings(main or {}, _SERVICES | (services or {}), mechanisms),)


def dovecot(settings: DovecotSettings) -> tuple[Software, ...]:
    """Dovecot on the submission ports, with a good Postfix on port 25 and behind it."""
    return (PostfixSettings(services={25: {}, BACKEND: _BEHIND_DOVECOT}), settings)


def middlebox() -> tuple[Software, ...]:
    """A good Postfix whose port 25 is behind a box that lets nobody see STARTTLS."""
    hidden = {BEHIND: {"mynetworks": "192.0.2.1"}, 465: _SUBMISSIONS, 587: _SUBMISSION}
    return (PostfixSettings({}, hidden), MiddleboxSettings())


def expired(authority: Authority, host: str) -> Credentials:
    return authority.issue(host, days=-3, begins_days=-93)


def misnamed(authority: Authority, host: str) -> Credentials:
    return authority.issue(f"other-{host}")


def self_signed(authority: Authority, host: str) -> Credentials:
    return authority.self_signed(host)


def incomplete(authority: Authority, host: str) -> Credentials:
    return authority.issue(host, with_intermediate=False)


def short_key(authority: Authority, host: str) -> Credentials:
    return authority.issue(host, key=short_rsa_key())


def two_keys(authority: Authority, host: str) -> Credentials:
    """Two keys, each with its certificates, in the order in which Postfix reads them on."""
    elliptic = authority.issue(host)
    other = authority.issue(host, key=rsa.generate_private_key(65537, 2048))
    return Credentials(elliptic.chain, other.key + other.chain + elliptic.key)


# What no server of Debian 12 can do yet.
_BEYOND_DEBIAN_12 = {"smtp-requiretls-offered": FAIL, "tls-pq-hybrid-accepted": FAIL}
GOOD = (
    Row("postfix", "postfix", postfix(), _BEYOND_DEBIAN_12),
    Row(
        "exim",
        "exim",
        (EximSettings(),),
        # The package exim4-daemon-light has no SCRAM, and OpenSMTPD has PLAIN and LOGIN alone.
        _BEYOND_DEBIAN_12 | {"submission-scram-offered": FAIL},
    ),
    Row(
        "opensmtpd",
        "opensmtpd",
        (OpenSmtpdSettings(),),
        _BEYOND_DEBIAN_12
        | {"submission-scram-offered": FAIL, "submission-mechanisms-allowed": FAIL},
    ),
    Row("dovecot", "dovecot", dovecot(DovecotSettings()), _BEYOND_DEBIAN_12),
)

_OPEN_TO_ALL = {
    "relay-refused": FAIL,
    "submission-auth-required": FAIL,
    "submission-auth-required-for-local": FAIL,
}
_TAKES_ALL = {"smtp-unknown-recipient-rejected": FAIL}
_AUTH_IN_CLEAR = {
    "submission-auth-offered-only-after-tls:587": FAIL,
    "submission-auth-refused-in-clear:587": FAIL,
}
_NO_TLS = {
    "submission-starttls-offered": FAIL,
    "submission-plaintext-session-refused": FAIL,
    "submission-auth-offered-only-after-tls:587": PASS,
    "submission-auth-refused-in-clear:587": PASS,
    "smtp-greeting-valid:587": PASS,
    "smtp-version-not-disclosed:587": PASS,
    "smtp-vrfy-expn-closed:587": PASS,
    "relay-refused:587": PASS,
}
# No password is sent to a server that can't be told from another.
_NO_PASSWORD = dict.fromkeys(
    (
        "mta-sender-matches-login",
        "submission-login-works",
        "submission-login-failure-silent",
        "submission-wrong-password-refused",
    ),
    UNKNOWN,
)
_EXPIRED = {"cert-in-validity": FAIL, "cert-not-expiring-soon": FAIL, **_NO_PASSWORD}
_CRAM_ALONE = {"submission-mechanisms-allowed": FAIL, "submission-scram-offered": FAIL}
_MANGLED = {
    "mx-starttls-offered": FAIL,
    **dict.fromkeys(
        (
            "relay-refused:25",
            "path-delivers",
            "port-mx-reachable:25",
            "smtp-greeting-valid:25",
            "smtp-null-sender-accepted",
            "smtp-role-mailboxes-accepted",
            "smtp-unknown-recipient-rejected",
            "smtp-version-not-disclosed:25",
            "smtp-vrfy-expn-closed:25",
            "mx-starttls-optional",
            "smtp-pipelining-enforced",
            "submission-auth-offered-only-after-tls:25",
            "submission-auth-refused-in-clear:25",
        ),
        PASS,
    ),
}
_ANY_CIPHER = {
    "smtpd_tls_ciphers": "medium",
    "smtpd_tls_mandatory_ciphers": "medium",
    "tls_medium_cipherlist": "ALL:@SECLEVEL=0",
}

POSTFIX = (
    Row(
        "permits-all",
        "postfix",
        postfix({"smtpd_relay_restrictions": "check_client_access static:OK, reject"}),
        {"relay-refused:25": FAIL},
    ),
    Row(
        "relays-for-all",
        "postfix",
        postfix({"relay_domains": "static:all"}),
        {"relay-refused:25": FAIL},
    ),
    Row("trusts-all", "postfix", postfix({"mynetworks": "0.0.0.0/0"}), {"relay-refused:25": FAIL}),
    # It rewrites such addresses first, and then finds that it relays for nobody.
    Row(
        "routes-percent",
        "postfix",
        postfix(
            {
                "allow_percent_hack": "yes",
                "swap_bangpath": "yes",
                "allow_untrusted_routing": "yes",
            }
        ),
    ),
    Row(
        "clear-auth",
        "postfix",
        postfix(
            {"smtpd_tls_auth_only": "no"}, {587: _SUBMISSION | {"smtpd_tls_security_level": "may"}}
        ),
        {**_AUTH_IN_CLEAR, "submission-plaintext-session-refused": FAIL},
    ),
    Row(
        "optional-tls",
        "postfix",
        postfix(services={587: _SUBMISSION | {"smtpd_tls_security_level": "may"}}),
        {"submission-plaintext-session-refused": FAIL},
    ),
    Row(
        "no-tls-587",
        "postfix",
        postfix(services={587: _SUBMISSION | {"smtpd_tls_security_level": "none"}}),
        _NO_TLS,
        {587: NOT_APPLICABLE},
    ),
    Row(
        "plain-465",
        "postfix",
        postfix(services={465: _SUBMISSION}),
        {
            "submission-implicit-tls-offered": FAIL,
            "tls-handshake-completes:465": FAIL,
            "mta-sender-matches-login": UNKNOWN,
        },
        {465: UNKNOWN},
    ),
    Row(
        "no-auth",
        "postfix",
        postfix(
            services={
                465: _SUBMISSIONS | {"smtpd_sasl_auth_enable": "no"},
                587: _SUBMISSION | {"smtpd_sasl_auth_enable": "no"},
            }
        ),
        {
            "submission-auth-offered": FAIL,
            **dict.fromkeys(_NO_PASSWORD, NOT_APPLICABLE),
            "submission-mechanisms-allowed": NOT_APPLICABLE,
            "submission-scram-offered": NOT_APPLICABLE,
        },
    ),
    Row(
        "local-unasked",
        "postfix",
        postfix(
            services={
                587: _SUBMISSION
                | {
                    "smtpd_relay_restrictions": "permit_sasl_authenticated,"
                    " reject_unauth_destination",
                    "smtpd_recipient_restrictions": "",
                }
            }
        ),
        {"submission-auth-required-for-local:587": FAIL},
    ),
    Row(
        "open-587",
        "postfix",
        postfix(
            services={
                587: _SUBMISSION
                | {
                    "smtpd_relay_restrictions": "check_client_access static:OK, reject",
                    "smtpd_recipient_restrictions": "",
                }
            }
        ),
        {f"{audit}:587": outcome for audit, outcome in _OPEN_TO_ALL.items()},
    ),
    # Dovecot says who may log in, and has no other part in it.
    Row(
        "dovecot-sasl",
        "postfix",
        (
            *postfix(
                {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": f"inet:127.0.0.1:{SASL_PORT}"}
            ),
            DovecotSettings(listeners={}),
        ),
    ),
    Row("cram", "postfix", postfix(mechanisms="PLAIN CRAM-MD5"), _CRAM_ALONE),
    Row("expired-cert", "postfix", postfix(), _EXPIRED, certificate=expired),
    Row(
        "misnamed-cert",
        "postfix",
        postfix(),
        {"cert-name-matches": FAIL, **_NO_PASSWORD},
        certificate=misnamed,
    ),
    Row(
        "self-signed",
        "postfix",
        postfix(),
        {"cert-trusted": FAIL, **_NO_PASSWORD},
        certificate=self_signed,
    ),
    Row(
        "incomplete",
        "postfix",
        postfix(),
        {"cert-trusted": FAIL, **_NO_PASSWORD},
        certificate=incomplete,
    ),
    Row(
        "short-key",
        "postfix",
        postfix({"tls_medium_cipherlist": "ECDHE+AESGCM:@SECLEVEL=1"}),
        {"cert-key-strong": FAIL},
        certificate=short_key,
    ),
    Row(
        "greylists",
        "postfix",
        postfix(
            services={25: {"smtpd_client_restrictions": for_all("450 4.2.0 Greylisted, wait")}}
        ),
        dict.fromkeys(
            (
                "relay-refused:25",
                "path-delivers",
                "smtp-null-sender-accepted",
                "smtp-role-mailboxes-accepted",
                "smtp-unknown-recipient-rejected",
            ),
            UNKNOWN,
        ),
    ),
    # Who is to be relayed to is decided first, as a greylisting policy service has it.
    Row(
        "greylists-own",
        "postfix",
        postfix(
            services={25: {"smtpd_recipient_restrictions": for_all("450 4.2.0 Greylisted, wait")}}
        ),
        dict.fromkeys(
            (
                "path-delivers",
                "smtp-null-sender-accepted",
                "smtp-role-mailboxes-accepted",
                "smtp-unknown-recipient-rejected",
            ),
            UNKNOWN,
        ),
    ),
    # A second before each reply from the third refusal on: slow, and right all the same.
    Row(
        "tarpits",
        "postfix",
        postfix({"smtpd_soft_error_limit": "3", "smtpd_error_sleep_time": "1s"}),
    ),
    Row(
        "throttles",
        "postfix",
        postfix(
            services={
                25: {
                    "smtpd_delay_reject": "no",
                    "smtpd_client_restrictions": for_all("421 4.7.0 Too many connections"),
                }
            }
        ),
        {"path-delivers": UNKNOWN, "smtp-role-mailboxes-accepted": UNKNOWN},
        {25: UNKNOWN},
    ),
    Row(
        "no-postmaster",
        "postfix",
        postfix(
            services={
                25: {
                    "smtpd_recipient_restrictions": "check_recipient_access"
                    " inline:{{postmaster@ = 550 5.1.1 no such user}}"
                }
            }
        ),
        {
            "path-delivers": FAIL,
            "smtp-role-mailboxes-accepted": FAIL,
            # It refuses the mailbox, whoever asks for it.
            "smtp-null-sender-accepted": UNKNOWN,
        },
    ),
    Row(
        "catches-all",
        "postfix",
        postfix({"local_recipient_maps": ""}),
        {"smtp-unknown-recipient-rejected": FAIL},
    ),
    Row(
        "takes-domain",
        "postfix",
        postfix(
            {
                "virtual_alias_maps": "inline:{{@takes-domain.example.org"
                " = alice@takes-domain.example.org}}"
            }
        ),
        _TAKES_ALL,
    ),
    Row("mangles-tls", "postfix", middlebox(), _MANGLED, {25: NOT_APPLICABLE}),
    Row(
        "vrfy-open",
        "postfix",
        postfix({"disable_vrfy_command": "no"}),
        {"smtp-vrfy-expn-closed:25": FAIL},
    ),
    Row(
        "hears-early",
        "postfix",
        postfix({"smtpd_forbid_unauth_pipelining": "no"}),
        {"smtp-pipelining-enforced": FAIL},
    ),
    Row(
        "any-sender",
        "postfix",
        postfix(services={587: SUBMISSION}),
        {"mta-sender-matches-login": FAIL},
    ),
    Row(
        "no-bounces",
        "postfix",
        postfix(
            services={
                25: {"smtpd_sender_restrictions": "check_sender_access inline:{{<> = REJECT}}"}
            }
        ),
        {"smtp-null-sender-accepted": FAIL},
    ),
    Row(
        "tells-version",
        "postfix",
        postfix({"smtpd_banner": "$myhostname ESMTP Postfix 3.7.11 (Debian)"}),
        {"smtp-version-not-disclosed": FAIL},
    ),
    Row(
        "old-tls",
        "postfix",
        postfix(
            {
                **_ANY_CIPHER,
                "smtpd_tls_protocols": ">=TLSv1",
                "smtpd_tls_mandatory_protocols": ">=TLSv1",
            }
        ),
        dict.fromkeys(
            ("tls-version-current", "tls-ciphers-allowed", "tls-signature-hash-strong"), FAIL
        ),
    ),
    # What stock Postfix of Debian 12 does on port 25, where a client verifies nothing.
    Row(
        "anonymous",
        "postfix",
        postfix({**_ANY_CIPHER, "smtpd_tls_exclude_ciphers": ""}),
        dict.fromkeys(
            (
                "tls-ciphers-not-forbidden",
                "tls-ciphers-allowed",
                "tls-key-exchange-strong",
                "tls-signature-hash-strong",
            ),
            FAIL,
        ),
    ),
    Row(
        "no-tls13",
        "postfix",
        postfix(
            {
                "smtpd_tls_protocols": ">=TLSv1.2, <=TLSv1.2",
                "smtpd_tls_mandatory_protocols": ">=TLSv1.2, <=TLSv1.2",
            }
        ),
        {"tls-v13-accepted": FAIL},
    ),
)

EXIM = (
    Row(
        "exim-accepts",
        "exim",
        (EximSettings(rcpt_acl="  accept\n"),),
        {**_OPEN_TO_ALL, **_TAKES_ALL},
    ),
    Row(
        "exim-after-tls",
        "exim",
        (EximSettings(rcpt_acl="  accept encrypted = *\n" + exim.RCPT_ACL),),
        _OPEN_TO_ALL,
    ),
    Row(
        "exim-percent",
        "exim",
        (
            EximSettings(
                rcpt_acl=exim.TRUSTED + exim.LOGIN_ON_SUBMISSION + exim.LOCAL_ONLY,
                routers=exim.PERCENT_ROUTER,
            ),
        ),
        {"relay-refused:25": FAIL},
    ),
    Row(
        "exim-bang",
        "exim",
        (
            EximSettings(
                rcpt_acl=exim.TRUSTED + exim.LOGIN_ON_SUBMISSION + exim.LOCAL_ONLY,
                routers=_BANG_ROUTER,
            ),
        ),
        {"relay-refused:25": FAIL},
    ),
    # Its own address is one of its domains, as RFC 5321 section 4.1.3 lets it be.
    Row(
        "exim-literals",
        "exim",
        (
            EximSettings(
                {
                    "allow_domain_literals": "true",
                    "domainlist local_domains": "@ : {domain} : @[]",
                }
            ),
        ),
    ),
    Row(
        "exim-domains",
        "exim",
        (EximSettings({"domainlist relay_to_domains": "*"}),),
        {"relay-refused:25": FAIL},
    ),
    Row(
        "exim-networks",
        "exim",
        (EximSettings({"hostlist relay_from_hosts": "0.0.0.0/0"}),),
        {**_OPEN_TO_ALL, **_TAKES_ALL},
    ),
    Row(
        "exim-clear-auth",
        "exim",
        (EximSettings({"auth_advertise_hosts": "${if eq{$received_port}{25}{}{*}}"}),),
        _AUTH_IN_CLEAR,
    ),
    Row(
        "exim-clear",
        "exim",
        (EximSettings(mail_acl=exim.OWN_ADDRESS_ALONE),),
        {"submission-plaintext-session-refused": FAIL},
    ),
    Row(
        "exim-local",
        "exim",
        (EximSettings(rcpt_acl=exim.NO_STRANGE_LOCAL_PARTS + exim.TRUSTED + exim.LOCAL_ONLY),),
        {"submission-auth-required-for-local": FAIL},
    ),
    Row(
        "exim-vrfy",
        "exim",
        (EximSettings({"acl_smtp_vrfy": "accept", "acl_smtp_expn": "accept"}),),
        {"smtp-vrfy-expn-closed": FAIL},
    ),
    Row(
        "exim-cram",
        "exim",
        (EximSettings(authenticators=exim.CRAM_MD5),),
        {"submission-mechanisms-allowed": FAIL},
    ),
    Row(
        "exim-banner",
        "exim",
        (EximSettings({"smtp_banner": "$smtp_active_hostname ESMTP Exim $version_number"}),),
        {"smtp-version-not-disclosed": FAIL},
    ),
    # As it comes: whoever may talk early can't be held to the order.
    Row(
        "exim-stock",
        "exim",
        (EximSettings({"pipelining_connect_advertise_hosts": "*"}),),
        {"smtp-pipelining-enforced": NOT_APPLICABLE},
    ),
    Row(
        "exim-any-sender",
        "exim",
        (EximSettings(mail_acl=exim.TLS_ON_SUBMISSION),),
        {"mta-sender-matches-login": FAIL},
    ),
    Row(
        "exim-old-tls",
        "exim",
        (EximSettings({"tls_require_ciphers": "LEGACY:+VERS-TLS1.0:+VERS-TLS1.1:+3DES-CBC"}),),
        dict.fromkeys(
            (
                "tls-version-current",
                "tls-ciphers-allowed",
                "tls-ciphers-not-forbidden",
                "tls-signature-hash-strong",
            ),
            FAIL,
        ),
    ),
    Row(
        "exim-dovecot",
        "exim",
        (EximSettings(asks_dovecot=True), DovecotSettings(listeners={})),
        {"submission-scram-offered": PASS},
    ),
    # It asks for a login at MAIL already.
    Row(
        "exim-mail-login",
        "exim",
        (EximSettings(mail_acl=exim.MAIL_ACL + exim.LOGIN_BEFORE_MAIL),),
    ),
    Row("exim-expired", "exim", (EximSettings(),), _EXPIRED, certificate=expired),
)

OPENSMTPD = (
    Row(
        "smtpd-any",
        "opensmtpd",
        (OpenSmtpdSettings(matches=(LOCAL, 'match from any for any action "out"')),),
        {"relay-refused:25": FAIL},
    ),
    Row(
        "smtpd-optional",
        "opensmtpd",
        (OpenSmtpdSettings(LISTENERS | {587: "tls pki lab auth-optional <logins>"}),),
        {
            "submission-auth-required-for-local:587": FAIL,
            "submission-plaintext-session-refused": FAIL,
            "mta-sender-matches-login": FAIL,
        },
    ),
    Row(
        "smtpd-no-tls",
        "opensmtpd",
        (OpenSmtpdSettings(LISTENERS | {587: ""}),),
        _NO_TLS,
        {587: NOT_APPLICABLE},
    ),
    # What Debian 12 ships: STARTTLS is offered, and no handshake ever completes.
    Row(
        "smtpd-stable",
        "opensmtpd",
        (OpenSmtpdSettings(release=STABLE),),
        {
            "tls-handshake-completes": FAIL,
            "submission-implicit-tls-offered": FAIL,
            "mta-sender-matches-login": UNKNOWN,
            # It answers a hello before it finds that it can't sign.
            **dict.fromkeys(
                (
                    "tls-ciphers-allowed",
                    "tls-ciphers-not-forbidden",
                    "tls-ems-negotiated",
                    "tls-signature-hash-strong",
                    "tls-version-current",
                ),
                PASS,
            ),
            # After each failure the rest is asked in another connection, which leaves the fewer.
            "tls-pq-hybrid-accepted:25": UNKNOWN,
            "tls-pq-hybrid-accepted": FAIL,
            **{
                f"{audit}:25": PASS
                for audit in (
                    "mx-starttls-offered",
                    "mx-starttls-optional",
                    "smtp-null-sender-accepted",
                    "smtp-pipelining-enforced",
                    "smtp-unknown-recipient-rejected",
                    "smtp-version-not-disclosed",
                    "smtp-vrfy-expn-closed",
                )
            },
            "submission-starttls-offered:587": PASS,
            "submission-plaintext-session-refused:587": PASS,
            **{
                f"{audit}:{port}": PASS
                for audit in (
                    "smtp-greeting-valid",
                    "submission-auth-offered-only-after-tls",
                    "submission-auth-refused-in-clear",
                )
                for port in (25, 587)
            },
            "port-mx-reachable:25": PASS,
        },
        {25: UNKNOWN, 465: UNKNOWN, 587: UNKNOWN},
    ),
    Row("smtpd-catch-all", "opensmtpd", (OpenSmtpdSettings(mailboxes=("",)),), _TAKES_ALL),
)

DOVECOT = (
    Row(
        "dovecot-clear",
        "dovecot",
        dovecot(DovecotSettings({"ssl": "yes", "disable_plaintext_auth": "no"})),
        _AUTH_IN_CLEAR,
    ),
    Row(
        "dovecot-no-tls",
        "dovecot",
        # Without TLS it opens no port for implicit TLS.
        dovecot(
            DovecotSettings(
                {"ssl": "no", "disable_plaintext_auth": "no"},
                listeners={587: ""},
            )
        ),
        {
            **_NO_TLS,
            **_AUTH_IN_CLEAR,
            "submission-plaintext-session-refused": PASS,
            "submission-implicit-tls-offered": FAIL,
            "mta-sender-matches-login": NOT_APPLICABLE,
        },
        {587: NOT_APPLICABLE},
    ),
    Row(
        "dovecot-cram",
        "dovecot",
        dovecot(DovecotSettings({"auth_mechanisms": "plain cram-md5"})),
        _CRAM_ALONE,
    ),
    Row("dovecot-expired", "dovecot", dovecot(DovecotSettings()), _EXPIRED, certificate=expired),
)

# The good ones once more, with all that a default run asks of: TLSA records beside the logins, and
# at one host for two certificates.
COMPLETE = (
    *(
        Machine(row.label, _FIRST_NUMBER + place, f"{row.label}.example", row.servers, signed=True)
        for place, row in enumerate(GOOD)
    ),
    Machine("two-keys", 10, "two-keys.example", postfix(), two_keys, signed=True),
)

ROWS = (*GOOD, *POSTFIX, *EXIM, *OPENSMTPD, *DOVECOT)
MACHINES = tuple(
    Machine(row.label, _FIRST_NUMBER + place, row.domain, row.servers, row.certificate)
    for place, row in enumerate(ROWS)
)
