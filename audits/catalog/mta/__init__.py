"""Audits of how mail programs are configured."""
