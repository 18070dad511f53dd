"""Audits of message submission: ports 465 and 587, and logins on 25."""
