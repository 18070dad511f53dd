"""Audits of the whole way of mail, from MX to mailbox."""
