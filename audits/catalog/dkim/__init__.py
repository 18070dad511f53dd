"""Audits of DKIM keys."""
