"""Audits of the certificates that mail services present."""
