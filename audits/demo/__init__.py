"""An embedded fleet on loopback: DNS, SMTP and HTTPS servers with known faults."""
