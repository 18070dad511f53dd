"""Audits of TLS on any port of mail."""
