"""Passwords are stored so that a copy of the database does not give them away.

## Rationale
Whoever gets a copy of the password database tries billions of words a second against plain digests
such as MD5 or SHA-1. Slow, salted functions make each try dear.

## Remediation
Store passwords salted, by a scheme that is slow to guess.

Dovecot 2.4: `passdb_default_password_scheme = ARGON2ID`; 2.3: `scheme=ARGON2ID` in the `args` of
the `passdb`, or `default_pass_scheme = ARGON2ID` in the file of its SQL or LDAP database. Old
passwords are stored anew at the next login, or when they are changed.

## Limits
A password that is stored with its own `{SCHEME}` before it is not seen, since nobody reads the
passwords. CRAM-MD5 and DIGEST-MD5 keep what is as good as the password.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.mta import Mta, MtaPrograms

_ALLOWED = (
    "ARGON2I",
    "ARGON2ID",
    "BLF-CRYPT",
    "PBKDF2",
    "SCRAM-SHA-256",
    "SHA512-CRYPT",
)


@audit(
    to=Target.MSA_HOST,
    severity=Severity.MEDIUM,
    references=(Doc("Dovecot", "Password Schemes"),),
    frameworks=(Doc("PCI DSS", "8.3.2"), Doc("NIST SP 800-63B")),
)
def evaluate(programs: MtaPrograms, *, allow: tuple[str, ...] = _ALLOWED) -> Verdict:
    wanted = {scheme.upper() for scheme in allow}
    weak: list[Violation] = []
    strong: list[Evidence] = []
    silent: list[Undecided] = []
    for place, program in enumerate(programs.programs):
        for number, found in enumerate(program.password_schemes):
            evidence = cite(programs, f"/programs/{place}/password_schemes/{number}/line")
            # `.b64` and `.hex` say only how the digest is written.
            if found.scheme.upper().partition(".")[0] in wanted:
                strong.append(evidence)
            else:
                message = f"{program.mta} stores passwords as {found.scheme}"
                weak.append(Violation(message, (evidence,), expected=f"one of {', '.join(allow)}"))
        if program.mta is Mta.DOVECOT and not program.password_schemes:
            evidence = cite(programs, f"/programs/{place}/instance")
            detail = f"{program.mta}: its files do not say how passwords are stored"
            silent.append(Undecided(Reason.NOT_COLLECTED, detail, (evidence,)))
    if weak:
        return Fail(tuple(weak))
    if silent:
        return silent[0]
    return Pass(tuple(strong)) if strong else NotApplicable("no program says that it has passwords")
