"""OpenSMTPD: smtpd.conf in its grammars before and since 6.4, and whom its rules let send."""
