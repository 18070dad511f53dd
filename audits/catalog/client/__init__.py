"""Audits of what mail programs are told."""
