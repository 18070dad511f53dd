"""Audits of zone files under review."""
