"""Audits of the SMTP conversation, whatever the port."""
