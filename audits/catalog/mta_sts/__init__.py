"""Audits of MTA-STS."""
