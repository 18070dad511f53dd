#!/bin/sh
# Unpacks Exim, OpenSMTPD and Sendmail, which conflict with Postfix, into a folder of their own:
# /opt/mailproof-lab unless one is named. Needs Debian 12's apt and its lists; installs nothing.
set -eu
root=${1:-${MAILPROOF_LAB_ROOT:-/opt/mailproof-lab}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root" "$work/stable" "$work/heavy" "$work/sendmail" "$work/backports" \
  "$work/lists/partial" "$work/cache/archives/partial"
# apt fetches as a user of its own where that one may write.
chmod 755 "$work"
chown -R _apt "$work"

unpack() {
  for package in "$1"/*.deb; do
    dpkg-deb -x "$package" "$2"
  done
}

(cd "$work/stable" && apt-get download -q exim4-daemon-light opensmtpd)
unpack "$work/stable" "$root"
# The light one can't ask Dovecot who may log in; the libraries of the other are for it alone.
(cd "$work/heavy" && apt-get download -q exim4-daemon-heavy libmariadb3 libperl5.36 libpq5 libspf2-2)
unpack "$work/heavy" "$root/heavy"
(cd "$work/sendmail" && apt-get download -q sendmail-bin)
unpack "$work/sendmail" "$root/sendmail"

# OpenSMTPD 6.8 of Debian 12 can't complete a TLS handshake (built for OpenSSL 1.1); the one of
# its backports can. They come from the mirror that apt is set up with, and are seen in here alone.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' |
  sort -u | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror bookworm-backports main" >"$work/sources"
set -- -q -o "Dir::Etc::sourcelist=$work/sources" -o Dir::Etc::sourceparts=- \
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
apt-get "$@" update
(cd "$work/backports" && apt-get "$@" download opensmtpd)
unpack "$work/backports" "$root/backports"
