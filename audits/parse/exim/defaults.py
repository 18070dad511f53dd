"""The main options of Exim, as 4.96 prints them with `exim -bP`, and the versions it comes in."""

import re
from dataclasses import dataclass

# Where nobody says which version it is, the judgement is that of this one.
USUAL = (4, 96)

# Switches that are on unless a configuration says otherwise, and those that are off.
_ON = """
    accept_8bitmime bounce_return_body bounce_return_message check_rfc2047_length
    delivery_date_remove dns_csa_use_reverse envelope_to_remove
    extract_addresses_remove_arguments local_from_check message_logs prod_requires_admin
    queue_list_requires_admin queue_only_load_latch queue_only_override return_path_remove
    smtp_accept_keepalive smtp_check_spool_space smtp_enforce_sync smtp_etrn_serialize
    syslog_duplication syslog_pid syslog_timestamp tcp_nodelay write_rejectlog
"""
_OFF = """
    allow_domain_literals allow_mx_to_ip allow_utf8_domains commandline_checks_require_admin
    debug_store deliver_drop_privilege disable_ipv6 dkim_verify_minimal drop_cr
    gnutls_allow_auto_pkcs11 gnutls_compat_mode ignore_fromline_local local_sender_retain
    log_timezone message_body_newlines move_frozen_messages mua_wrapper prdr_enable
    preserve_message_logs print_topbitchars queue_fast_ramp queue_only queue_run_in_order
    recipients_max_reject smtp_return_error_details split_spool_directory spool_wireformat
    strict_acl_vars strip_excess_angle_brackets strip_trailing_dot tls_remember_esmtp
"""
_VALUED = """
    acl_not_smtp acl_not_smtp_start acl_smtp_auth acl_smtp_connect acl_smtp_data
    acl_smtp_data_prdr acl_smtp_dkim acl_smtp_etrn acl_smtp_expn acl_smtp_helo acl_smtp_mail
    acl_smtp_mailauth acl_smtp_notquit acl_smtp_predata acl_smtp_quit acl_smtp_rcpt
    acl_smtp_starttls acl_smtp_vrfy add_environment admin_groups auth_advertise_hosts auto_thaw
    bi_command bounce_message_file bounce_message_text bounce_return_linesize_limit
    bounce_return_size_limit bounce_sender_authentication callout_domain_negative_expire
    callout_domain_positive_expire callout_negative_expire callout_positive_expire
    callout_random_local_part check_log_inodes check_log_space check_spool_inodes
    check_spool_space chunking_advertise_hosts daemon_smtp_ports daemon_startup_retries
    daemon_startup_sleep delay_warning delay_warning_condition deliver_queue_load_max
    dkim_verify_hashes dkim_verify_keytypes dkim_verify_min_keysizes dkim_verify_signers
    dns_again_means_nonexist dns_check_names_pattern dns_cname_loops dns_csa_search_limit
    dns_dnssec_ok dns_ipv4_lookup dns_retrans dns_retry dns_trust_aa dns_use_edns0
    dsn_advertise_hosts dsn_from errors_copy errors_reply_to event_action exim_group exim_path
    exim_user exim_version extra_local_interfaces finduser_retries freeze_tell gecos_name
    gecos_pattern header_line_maxsize header_maxsize headers_charset helo_accept_junk_hosts
    helo_allow_chars helo_lookup_domains helo_try_verify_hosts helo_verify_hosts hold_domains
    host_lookup host_lookup_order host_reject_connection hosts_connection_nolog
    hosts_require_alpn hosts_require_helo hosts_treat_as_local ignore_bounce_errors_after
    ignore_fromline_hosts keep_environment keep_malformed local_from_prefix local_from_suffix
    local_interfaces local_scan_path local_scan_timeout localhost_number log_file_path
    log_selector lookup_open_max max_username_length message_body_visible
    message_id_header_domain message_id_header_text message_size_limit never_users
    notifier_socket openssl_options percent_hack_domains pid_file_path
    pipelining_advertise_hosts pipelining_connect_advertise_hosts primary_hostname
    process_log_path qualify_domain qualify_recipient queue_domains queue_only_file
    queue_only_load queue_run_max queue_smtp_domains receive_timeout received_header_text
    received_headers_max recipient_unqualified_hosts recipients_max remote_max_parallel
    remote_sort_domains retry_data_expire retry_interval_max rfc1413_hosts rfc1413_query_timeout
    sender_unqualified_hosts slow_lookup_log smtp_accept_max smtp_accept_max_nonmail
    smtp_accept_max_nonmail_hosts smtp_accept_max_per_connection smtp_accept_max_per_host
    smtp_accept_queue smtp_accept_queue_per_connection smtp_accept_reserve smtp_active_hostname
    smtp_backlog_monitor smtp_banner smtp_connect_backlog smtp_etrn_command smtp_load_reserve
    smtp_max_synprot_errors smtp_max_unknown_commands smtp_ratelimit_hosts smtp_ratelimit_mail
    smtp_ratelimit_rcpt smtp_receive_timeout smtp_reserve_hosts smtputf8_advertise_hosts
    spool_directory syslog_facility syslog_processname system_filter
    system_filter_directory_transport system_filter_file_transport system_filter_group
    system_filter_pipe_transport system_filter_reply_transport system_filter_user
    timeout_frozen_after timezone tls_advertise_hosts tls_alpn tls_certificate tls_crl
    tls_dh_max_bits tls_dhparam tls_eccurve tls_ocsp_file tls_on_connect_ports tls_privatekey
    tls_require_ciphers tls_resumption_hosts tls_try_verify_hosts tls_verify_certificates
    tls_verify_hosts trusted_groups trusted_users unknown_login unknown_username
    untrusted_set_sender uucp_from_pattern uucp_from_sender warn_message_file
"""
# Of other builds and of versions around 4.96.
_ELSEWHERE = """
    acl_smtp_atrn acl_smtp_mime acl_smtp_wellknown av_scanner bmi_config_file
    daemon_modules_load dccifd_address dccifd_options dmarc_forensic_sender dmarc_history_file
    dmarc_tld_file dsn_ret ibase_servers ldap_ca_cert_dir ldap_ca_cert_file ldap_cert_file
    ldap_cert_key ldap_cipher_suite ldap_default_servers ldap_require_cert ldap_start_tls
    ldap_version limits_advertise_hosts mysql_servers oracle_servers perl_startup
    perl_taintmode pgsql_servers proxy_protocol_timeout hosts_proxy hosts_require_helo
    redis_servers smtp_max_unknown_commands spamd_address spf_guess spf_smtp_comment_template
    sqlite_dbfile sqlite_lock_timeout tls_early_banner_hosts xclient_allow_hosts
    hosts_xclient gnutls_enable_pkcs11 gnutls_require_kx gnutls_require_mac
    gnutls_require_protocols add_environment dkim_verify_signers
"""
SWITCHES_ON = frozenset(_ON.split())
SWITCHES = SWITCHES_ON | {*_OFF.split(), "ldap_start_tls", "perl_at_start", "perl_taintmode"}
MAIN_OPTIONS = SWITCHES | {*_VALUED.split(), *_ELSEWHERE.split()}

# What an option is where the configuration does not set it; any other is empty.
DEFAULTS = {
    "acl_smtp_data_prdr": "accept",
    "auth_advertise_hosts": "*",
    "daemon_smtp_ports": "smtp",
    "local_interfaces": "<; ::0 ; 0.0.0.0",
    "openssl_options": "+no_sslv2 +no_sslv3 +single_dh_use +no_ticket +no_renegotiation",
    "qualify_domain": "$primary_hostname",
    "qualify_recipient": "$qualify_domain",
    "smtp_banner": "$smtp_active_hostname ESMTP Exim $version_number $tod_full",
    "tls_advertise_hosts": "*",
    "tls_verify_certificates": "system",
}
_TLS_ADVERTISED_SINCE = (4, 87)


def default(name: str, version: tuple[int, ...]) -> str:
    """The value of a main option that is not set."""
    if name in SWITCHES:
        return "true" if name in SWITCHES_ON else "false"
    if name == "tls_advertise_hosts" and version < _TLS_ADVERTISED_SINCE:
        return ""
    return DEFAULTS.get(name, "")


@dataclass(frozen=True)
class Build:
    """Which Exim it is. version: None where nobody says.

    package: the distribution's own number, such as `4.96-15+deb12u4`. library: GnuTLS or OpenSSL,
    None where that is not known.
    """

    version: tuple[int, ...] | None
    package: str | None
    library: str | None
    text: str

    @property
    def number(self) -> tuple[int, ...]:
        return self.version or USUAL


_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_PACKAGE = re.compile(r"(?:\d+:)?(\d+\.\d+(?:\.\d+)?(?:~?[A-Za-z]+\d+)?)-([0-9][\w.+~]*)")


def build_of(text: str | None) -> Build:
    """What a version says, alone or as the first lines of `exim -bV`."""
    words = text or ""
    found = _VERSION.search(words)
    version = tuple(int(part) for part in found.groups() if part) if found else None
    package = _PACKAGE.search(words)
    library = next((name for name in ("GnuTLS", "OpenSSL") if name.lower() in words.lower()), None)
    if library is None and package is not None and re.search(r"deb|ubuntu", package[0]):
        library = "GnuTLS"  # both distributions build it so
    return Build(version, package[0] if package else None, library, found[0] if found else "")


# CVE-2023-51766: mended in 4.97.1, and in the packages of these versions from these numbers on.
_MENDED = (4, 97, 1)
_MENDED_PACKAGES = {
    "4.92": ("8+deb10u", 9),
    "4.93": ("13ubuntu1.", 10),
    "4.94.2": ("7+deb11u", 2),
    "4.95": ("4ubuntu2.", 5),
    "4.96": ("15+deb12u", 4),
    "4.97": ("", 3),
}


def takes_bare_newlines(build: Build) -> tuple[bool | None, str]:
    """Whether a bare newline ends a message (CVE-2023-51766), and why; None where that is open."""
    if build.version is None:
        return None, "which version it is, its files do not say"
    padded = (*build.version, 0, 0)[:3]
    if padded >= _MENDED:
        return False, f"Exim {build.text} has what mended it in 4.97.1"
    if build.package is not None:
        upstream, _, revision = build.package.partition("-")
        begins, least = _MENDED_PACKAGES.get(upstream, ("none", 0))
        number = re.match(r"\d+", revision.removeprefix(begins))
        if revision.startswith(begins) and number is not None:
            mended = int(number[0]) >= least
            said = "has" if mended else "lacks"
            return not mended, f"package {build.package} {said} what mended it in {begins}{least}"
        why = f"whether package {build.package} has what 4.97.1 mended is not known"
        return None, why
    why = f"{build.text} is older than 4.97.1, and may have been mended by a distribution"
    return None, why
