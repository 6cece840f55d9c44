# SPDX-License-Identifier: MIT
# signals.sh - SIGHUP by the thousand, ignored, and to a host that did not ask.
. "$here/../weather/lib.sh"

# Whoever runs us may ignore SIGHUP, which a shell cannot undo.
real=$HOST
printf '#!/bin/sh\nexec env --default-signal=HUP "%s" "$@"\n' "$real" \
	> "$root/hears"
chmod 755 "$root/hears"
HOST=$root/hears

good
host a --sighup
in_force
grep -q '^SigCgt:.*[13579bdf]$' "/proc/${pid[a]}/status" ||
	fail "$(grep Sig "/proc/${pid[a]}/status")"
descriptors()
{
	ls "/proc/${pid[a]}/fd" | wc -l
}
before=$(descriptors)

say 'ten thousand of them'
answers a 'sample checksum.crc32c' 0
for ((i = 0; i < 10000; i++)); do
	kill -HUP "${pid[a]}"
done
ask a sampled
[ "${answer#* }" = 0 ] || fail "on and off: $answer"
in_force
[ "$before" = "$(descriptors)" ] || fail "$before, $(descriptors)"
eventually silent

say 'while files are saved, good and bad'
for ((i = 0; i < 50; i++)); do
	kill -HUP "${pid[a]}"
	printf '[two\n' > "$main"
	kill -HUP "${pid[a]}"
	good
done
printf '[two\n' > "$main"
kill -HUP "${pid[a]}"
refused 'mysvc.ini:1: [two: ] is missing; write [name]'
good
kill -HUP "${pid[a]}"
eventually silent
in_force
t off checksum.crc32c
is 0
answers a 'read checksum.crc32c' off
t unset checksum.crc32c
end a

say 'ignored, as by nohup: it stays ignored, and files are followed'
printf '#!/bin/sh\ntrap "" HUP\nexec "%s" "$@"\n' "$real" > "$root/nohup"
chmod 755 "$root/nohup"
HOST=$root/nohup
host b --sighup
for i in 1 2 3; do
	kill -HUP "${pid[b]}"
done
in_force b
grep -q '^SigIgn:.*[13579bdf]$' "/proc/${pid[b]}/status" ||
	fail "$(grep Sig "/proc/${pid[b]}/status")"
printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' |
	put mysvc.ini
eventually host_says b checksum.crc32c off
end b

say 'a host that did not ask for it keeps its own ways'
HOST=$root/hears
good
host c
grep -q '^SigCgt:.*[02468ace]$' "/proc/${pid[c]}/status" ||
	fail "$(grep Sig "/proc/${pid[c]}/status")"
kill -HUP "${pid[c]}"
eventually gone "${pid[c]}"
t status
is 0
has 'none, it is not running'
