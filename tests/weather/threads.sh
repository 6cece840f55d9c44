# SPDX-License-Identifier: MIT
# threads.sh - a host that may not have the thread that it asked for.
. "$here/../weather/lib.sh"

good
if [ "$(id -u)" = 0 ]; then
	# Limits on threads do not bind root.
	chmod 755 "$root"
	install -m 755 "$HOST" "$root/host"
	install -d -o 65534 -g 65534 -m 755 "$root/state" "$root/run"
	HOST=$root/host
	drop='setpriv --reuid 65534 --regid 65534 --clear-groups'
else
	drop=
fi
printf '#!/bin/sh\nexec %s prlimit --nproc=0:0 "%s" "$@"\n' "$drop" "$HOST" \
	> "$root/alone"
chmod 755 "$root/alone"
HOST=$root/alone

say 'no thread to be had: started, degraded, and it says so'
TEXT='no driver thread: Resource temporarily unavailable; flags follow only'
degraded "$TEXT when flag_tick() is called" a
in_force
t status
is 0
has '0 thread, 0 loop, 1 following'
has "$TEXT"
t ps
has "$TEXT"

say 'nobody turns it: a kill is not called ok'
t off checksum.crc32c --wait 300ms
is 4
lacks 'ok '
has '0/1 families'
answers a 'read checksum.crc32c' on
t reload --wait 300ms
lacks 'ok '

say 'the host turns it itself'
t unset checksum.crc32c --wait 100ms
is 4
answers a tick 1
in_force
printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' |
	put mysvc.ini
follows()
{
	ask a tick
	host_says a checksum.crc32c off
}
eventually follows
printf '[checksum.crc32c\n' | put mysvc.ini
told()
{
	ask a tick
	reports 'mysvc.ini:1: [checksum.crc32c: ] is missing'
}
eventually told
answers a 'read checksum.crc32c' off

say 'stopped and started again'
answers a stop 0
answers a 'read checksum.crc32c' off
good
ask a start
case $answer in
*"$TEXT"*) ;;
*) fail "$answer" ;;
esac
in_force
