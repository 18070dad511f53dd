"""Audits of BIMI records."""
