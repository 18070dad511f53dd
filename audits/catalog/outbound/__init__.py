"""Audits of how mail leaves."""
