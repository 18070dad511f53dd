"""Audits of DMARC policies."""
