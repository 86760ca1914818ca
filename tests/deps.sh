#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh PACKAGE... - names the Debian packages that are missing and installs
# them with apt-get, through sudo when not root.  Runs apt-get only if
# something is missing.  DEPS=check only names them and fails.
#
# Installing PostgreSQL starts no cluster and changes no existing one: its
# package would make and start a "main" cluster, and its start script would
# start every other one too, so both are held back while it is installed.
set -eu

missing=
for package in "$@"; do
	status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) ||
		status=
	case "$status" in
	ii*) ;;
	*) case " $missing " in
		*" $package "*) ;;
		*) missing="$missing $package" ;;
		esac ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "deps: missing:$missing" >&2
if [ "${DEPS:-install}" = check ]; then
	echo "deps: run 'make deps' to install them" >&2
	exit 1
fi

root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps: not root and no sudo: as root, run" \
			"'apt-get install$missing'" >&2
		exit 1
	}
	root=sudo
fi

apt() {
	$root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=600 "$@" >&2
}

no_cluster=/etc/postgresql-common/createcluster.d/darn-tests.conf
policy=/usr/sbin/policy-rc.d
made_policy=
restore() {
	$root rm -f "$no_cluster"
	[ -z "$made_policy" ] || $root rm -f "$policy"
}

apt update
case "$missing" in
*postgresql*)
	trap restore EXIT
	if [ ! -e "$policy" ]; then
		made_policy=yes
		printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
		$root chmod 755 "$policy"
	fi
	apt install --no-install-recommends postgresql-common
	$root mkdir -p "${no_cluster%/*}"
	echo 'create_main_cluster = false' |
		$root tee "$no_cluster" >/dev/null
	;;
esac
# shellcheck disable=SC2086 # a list of package names
apt install --no-install-recommends $missing
