"""Audits of relaying for strangers."""
