#!/bin/sh
# Makes the users of the server's processes on this host, as packaging/sysusers.d lists
# them. make install runs it as root; users that are there stay as they are.
set -eu

list=$(cd "$(dirname "$0")" && pwd)/sysusers.d/sallyport.conf
if command -v systemd-sysusers >/dev/null; then
	exec systemd-sysusers "$list"
fi
PATH=$PATH:/usr/sbin:/sbin
while read -r kind name _; do
	[ "$kind" = u ] || continue
	id "$name" >/dev/null 2>&1 && continue
	echo "useradd $name"
	useradd --system --user-group --no-create-home --home-dir / \
		--shell /usr/sbin/nologin --comment "Sallyport" "$name"
done <"$list"
