# SPDX-License-Identifier: MIT
# places.sh - something else where a file should be: nothing there, nothing in
# it, no file, no rights, too much, too many rights.
. "$here/../weather/lib.sh"

good
host a --log "$root/log"
in_force
NOT_REGULAR='cannot be read: it is not a regular file'

# instead WHAT TEXT [COMMAND...]: the command makes what stands there instead.
instead()
{
	local text=$1

	shift
	rm -rf "$main"
	"$@"
	refused "mysvc.ini: $text"
	rm -rf "$main"
	clear
}

say 'a directory'
instead "$NOT_REGULAR" mkdir "$main"
say 'a FIFO without a writer'
instead "$NOT_REGULAR" mkfifo "$main"
say 'devices without an end, memory of a process'
instead "$NOT_REGULAR" ln -s /dev/zero "$main"
instead 'cannot be read: ' ln -s /proc/self/mem "$main"
say 'a sparse file of one gibibyte'
instead 'cannot be read: it is larger than the 16 MiB' \
	truncate -s 1G "$main"
say 'links in a circle, links to nothing'
instead 'cannot be read: its links lead in a circle' ln -s mysvc.ini "$main"
instead 'cannot be read: it is a link to nothing' ln -s nowhere "$main"

say 'a drop-in that is no file'
mkdir -p "$dropins/10-a.ini"
refused "mysvc.d/10-a.ini: $NOT_REGULAR"
rmdir "$dropins/10-a.ini"
ln -s nowhere "$dropins/10-a.ini"
refused 'mysvc.d/10-a.ini: cannot be read: it is a link to nothing'
rm -r "$dropins"
printf x > "$dropins"
refused 'mysvc.d: cannot be read: a file stands where a folder has to be'
rm "$dropins"
clear

say 'an empty file, and one of comments, count when they have stayed'
for text in '' '; state = on\n# [checksum.crc32c]\n'; do
	printf "$text" > "$main"
	t reload --no-wait
	in_force
	t check
	is 0
	has 'ok: 1 file, 0 flags'
	eventually defaults_in_force
	t status
	has '1 file, applied by 1 of 1 drivers'
	clear
done

say 'a file that is empty for a moment was never empty'
answers a 'sample checksum.crc32c' 0
for i in $(seq 20); do
	: > "$main"
	good
done
eventually applied
ask a sampled
[ "${answer#* }" = 0 ] || fail "on and off: $answer"
in_force

say 'a file that vanishes for a moment, and for long'
answers a 'sample checksum.crc32c' 0
for i in $(seq 10); do
	mv "$main" "$main.away"
	mv "$main.away" "$main"
done
eventually applied
ask a sampled
[ "${answer#* }" = 0 ] || fail "on and off: $answer"
mv "$main" "$main.away"
eventually defaults_in_force
t why checksum.crc32c
has 'checksum.crc32c is off'
mv "$main.away" "$main"
eventually is_in_force
eventually silent

say 'no rights: mode 000, another owner, a link to what may not be read'
chmod 755 "$root"
end a
export HOST=$HOST FLAGCTL=$FLAGCTL
if [ "$(id -u)" = 0 ]; then
	install -m 755 "$HOST" "$root/host"
	install -m 755 "$FLAGCTL" "$root/flagctl"
	for folder in state run; do
		rm -rf "${root:?}/$folder"
		install -d -o 65534 -g 65534 -m 755 "$root/$folder"
	done
	for program in host flagctl; do
		printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 %s \
			"%s" "$@"\n' --clear-groups "$root/$program" \
			> "$root/as-$program"
		chmod 755 "$root/as-$program"
	done
	HOST=$root/as-host FLAGCTL=$root/as-flagctl
fi
host a
in_force
DENIED='mysvc.ini: cannot be read: not permitted; the service'
chmod 000 "$main"
refused "$DENIED" 7
chmod 644 "$main"
clear
if as_root 'a file of another owner, a link to the shadow file'; then
	rm "$main"
	good
	chmod 600 "$main"
	refused "$DENIED" 7
	chmod 644 "$main"
	ln -sf /etc/shadow "$main"
	refused "$DENIED" 7
	rm "$main"
	clear
fi
chmod 700 "$root/etc"
if as_root 'a folder that is closed'; then
	eventually reports 'cannot be read: not permitted; the service'
	in_force
	t check
	is 7
	has "$root/etc: configuration folder: Permission denied; accepted is"
	t status
	has '(file not applied; generation '
fi
chmod 755 "$root/etc"
clear

say 'a file that everybody may write is named, with what to do'
WRITABLE='writable by everybody, who may so flip flags; it is in force'
chmod 666 "$main"
t status
is 0
has "$main: $WRITABLE all the same; chmod o-w it"
t check
is 0
has "$main: $WRITABLE"
t reload
is 0
has "$main: $WRITABLE"
mkdir "$dropins"
chmod 777 "$dropins"
t check
has "$dropins: $WRITABLE"
rmdir "$dropins"
chmod 644 "$main"
t check
lacks 'writable'
in_force

say 'a folder that everybody may write is not read again'
chmod 777 "$root/etc"
printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' |
	put mysvc.ini
OPEN='configuration folder: writable by everybody; accepted after chmod o-w'
refused "$root/etc: $OPEN"
chmod 755 "$root/etc"
eventually host_says a checksum.crc32c off
eventually silent
t check
is 0
chmod 1777 "$root/etc"
t check
is 0
chmod 755 "$root/etc"
clear

say 'nor is it at a start'
end a
chmod 777 "$root/etc"
degraded "$OPEN" b
eventually reports "$OPEN"
t check
is 6
has "$OPEN"
lacks 'ok:'
chmod 755 "$root/etc"
eventually silent
end b
