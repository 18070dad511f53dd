"""Audits of MX records and MX hosts."""
