"""Audits of TLS-RPT."""
