"""Every live collector, in the order in which one subject is looked at by several of them."""

from audits.collect.listing import Listing

AVAILABLE: tuple[Listing, ...] = (
    Listing(
        "live.dns",
        "DnsDomain",
        "dns.apex dns.dkim dns.dmarc dns.mta-sts dns.mx dns.spf dns.tlsrpt",
    ),
    Listing("live.dmarc", "DmarcReportMailboxes", "dns.dmarc-destinations"),
    Listing("live.bimi", "BimiLookup", "dns.bimi"),
    Listing("live.https", "MtaStsFetch", "https.mta-sts"),
    Listing("live.tlsrpt", "TlsRptMailboxes", "dns.tlsrpt-destinations"),
    Listing("live.dnssec", "DnssecDomain", "dns.dnssec"),
    Listing("live.spf", "SpfDomain", "dns.spf-eval dns.spf-worst"),
    Listing("live.dns", "DnsHost", "dns.host"),
    Listing("live.spf", "SpfHost", "dns.spf-helo"),
    Listing("live.dane", "DaneHost", "dns.tlsa"),
    Listing("live.dnssec", "DnssecHost", "dns.dnssec-host"),
    Listing("live.dns", "DnsAddress", "dns.ptr dns.ptr-forward"),
    Listing("live.caa", "CaaClimb", "dns.caa"),
    Listing("live.caa", "PolicyHostCaaClimb", "dns.caa-mta-sts"),
    Listing("live.helo", "HeloLookup", "dns.helo"),
    Listing(
        "live.ssh",
        "SshHost",
        "host.certificates host.files host.sockets mta.listeners mta.programs mta.trusted-networks",
    ),
    Listing("candidate.pinned", "PinnedFiles", "mta.pinned"),
    Listing("candidate.zones", "ZoneFiles", "zone.file"),
    Listing("live.srv", "SrvLookup", "dns.srv"),
    Listing("live.autoconfig", "AutoconfigFetch", "https.autoconfig"),
    Listing("live.dnsbl", "ListLookup", "dns.dnsbl"),
    Listing("live.dnsbl", "DomainListLookup", "dns.dnsbl-domain"),
    Listing("live.rpki", "RouteCheck", "rpki.route"),
    Listing("live.ports", "PortSweep", "tcp.survey"),
    Listing(
        "live.smtp",
        "ServiceWalk",
        "conduct.role-mailboxes relay.controls smtp.auth-clear smtp.ehlo smtp.ehlo-tls "
        "smtp.greeting smtp.mail-clear smtp.rcpt-role smtp.starttls smtp.transcript "
        "smtp.unauthenticated tcp.port tls.chain tls.handshake tls.tickets",
    ),
    Listing("live.tls_probe", "TlsProbe", "tls.offers tls.renegotiations"),
    Listing("live.other_chain", "OtherChainWalk", "tls.other-chain"),
    Listing(
        "live.conduct",
        "ConductWalk",
        "conduct.address-commands conduct.early-talk conduct.help conduct.mail-before-tls "
        "conduct.recipients conduct.starttls-injection",
    ),
    Listing("live.smuggling", "SmugglingProbe", "conduct.smuggling"),
    Listing("live.relay", "RelayWalk", "relay.backscatter relay.probes"),
    Listing("live.login", "LoginWalk", "login.account login.other-sender login.refused"),
)
