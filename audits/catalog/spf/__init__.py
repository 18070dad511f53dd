"""Audits of SPF records."""
