# SPDX-License-Identifier: MIT
# watching.sh - folders that go and come, events that are lost, and watches that
# are not to be had: a saved file is seen all the same, and status says how.
. "$here/../weather/lib.sh"

good
host a
in_force
t status
has 'watch       inotify'

# follows STATE: a save from now on is seen.
follows()
{
	printf '[checksum.crc32c]\nstate = %s\n[parse.simd]\nstate = off\n' \
		"$1" > "$root/etc/new"
	mv "$root/etc/new" "$main"
	eventually host_says "${2:-a}" checksum.crc32c "$1"
}

say 'the folder is renamed: nothing changes, and nothing is called ok'
mv "$root/etc" "$root/away"
t reload --wait 200ms
is 4
lacks 'ok '
in_force
mv "$root/away" "$root/etc"
follows off
follows on

say 'another folder in its place'
cp -a "$root/etc" "$root/other"
mv "$root/etc" "$root/away"
mv "$root/other" "$root/etc"
follows off
follows on
rm -r "$root/away"
in_force

say 'the folder is deleted, and made again'
rm -r "$root/etc"
eventually defaults_in_force
mkdir "$root/etc"
good
eventually is_in_force
follows off
follows on

say 'a folder of drop-ins goes and comes'
for i in 1 2 3; do
	put mysvc.d/10-a.ini <<-'END'
	[checksum.crc32c]
	state = off
	END
	eventually host_says a checksum.crc32c off
	rm -r "$dropins"
	eventually host_says a checksum.crc32c on
done

say 'a file where the folder was, for a while'
mv "$root/etc" "$root/away"
: > "$root/etc"
eventually reports "$root/etc: configuration folder: Not a directory"
in_force
t check
is 6
has "$root/etc: configuration folder: Not a directory; accepted is a folder"
lacks 'ok:'
rm "$root/etc"
mv "$root/away" "$root/etc"
eventually silent
follows off
follows on

say 'more events than the queue holds, and then a save'
kill -STOP "${pid[a]}"
limit=$(cat /proc/sys/fs/inotify/max_queued_events)
for ((i = 0; i < limit; i++)); do
	: > "$root/etc/.flood$((i % 2))"
done
printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' > "$main"
kill -CONT "${pid[a]}"
eventually host_says a checksum.crc32c off
follows on
rm "$root"/etc/.flood?
eventually silent
in_force
end a

# starved LIMIT NUMBER: hosts from now on have this limit, in a user namespace
# of their own, where it binds nobody else.
starved()
{
	cat > "$root/starved" <<-END
	#!/bin/sh
	exec unshare -U -r sh -c 'echo $2 > /proc/sys/user/$1; exec "\$@"' \
		sh "$real" "\$@"
	END
	chmod 755 "$root/starved"
	HOST=$root/starved
}

real=$HOST
if unshare -U -r sh -c 'echo 7 > /proc/sys/user/max_inotify_instances' \
	2> /dev/null; then
	before=$(cat /proc/sys/user/max_inotify_*)
	say 'no inotify instance left: polled, and status says so'
	starved max_inotify_instances 0
	host b
	in_force b
	t status
	has 'watch       poll(EMFILE): '
	has 'fs.inotify.max_user_instances'
	t status --json
	json '.watch == "poll(EMFILE)"'
	t ps
	has 'poll(EMF'
	follows off b
	follows on b
	t off checksum.crc32c
	is 0
	answers b 'read checksum.crc32c' off
	t unset checksum.crc32c
	end b

	say 'no watches left: the same'
	starved max_inotify_watches 1
	host c
	in_force c
	t status
	has 'watch       poll(ENOSPC): '
	has 'fs.inotify.max_user_watches'
	follows off c
	follows on c
	t off checksum.crc32c
	is 0
	answers c 'read checksum.crc32c' off
	end c
	[ "$before" = "$(cat /proc/sys/user/max_inotify_*)" ] ||
		fail 'the limits of this machine changed'
else
	say 'skipped, no user namespace: no instance left, no watches left'
fi
