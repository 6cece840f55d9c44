# SPDX-License-Identifier: MIT
# mounts.sh - file systems that come, go and say nothing: a folder that is
# unmounted, a file that is mounted alone, a change below an overlay.
. "$here/../weather/lib.sh"

# All of it in mounts of our own, which nobody else sees.
if [ -z "${WEATHER_MOUNTS:-}" ]; then
	if ! unshare -m mount -t tmpfs none /mnt 2> /dev/null; then
		echo 'skipped: mounts of our own need root (unshare -m)'
		exit 77
	fi
	rm -rf "$root"
	WEATHER_MOUNTS=1 exec unshare -m --propagation private \
		"$here/run" "$here/../weather/mounts.sh"
fi

unmount_all()
{
	local point

	for point in $(grep -o " $root/[^ ]*" /proc/self/mounts | sort -r); do
		umount -l "$point"
	done
	leave
}
trap unmount_all EXIT

say 'a folder that is unmounted, and mounted again'
mount -t tmpfs none "$root/etc"
good
mkdir "$root/keep"
mount --bind "$root/etc" "$root/keep"
host a
in_force
t status
has 'watch       inotify'
umount -l "$root/etc"
eventually defaults_in_force
mount --bind "$root/keep" "$root/etc"
eventually is_in_force
printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' |
	put mysvc.ini
eventually host_says a checksum.crc32c off
clear

say 'a folder that becomes read-only, of mode 0777'
chmod 777 "$root/etc"
mount -o remount,bind,ro "$root/etc"
t check
is 0
lacks 'writable'
t reload
is 0
has 'ok 1/1'
mount -o remount,bind,rw "$root/etc"
t check
is 6
has 'writable by everybody'
chmod 755 "$root/etc"
t check
is 0
end a
umount -l "$root/etc"

say 'a file that is mounted alone: in force, and status says why it stays'
mkdir "$root/outside"
printf '[checksum.crc32c]\nstate = on\n[parse.simd]\nstate = off\n' \
	> "$root/outside/mysvc.ini"
: > "$main"
mount --bind "$root/outside/mysvc.ini" "$main"
host b
in_force b
printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' \
	> "$root/outside/mysvc.ini"
eventually host_says b checksum.crc32c off
printf '[checksum.crc32c]\nstate = on\n[parse.simd]\nstate = off\n' \
	> "$root/outside/new"
mv "$root/outside/new" "$root/outside/mysvc.ini"
DETACHED="$main: another file has taken its name where it was mounted from"
t status
is 0
has "$DETACHED"
t check
is 0
has "$DETACHED"
answers b 'read checksum.crc32c' off
umount -l "$main"
mount --bind "$root/outside/mysvc.ini" "$main"
eventually host_says b checksum.crc32c on
t check
is 0
lacks 'mounted'
end b
umount -l "$main"

say 'a change below an overlay, of which no event tells'
mkdir "$root"/{lower,upper,work}
cp "$root/outside/mysvc.ini" "$root/lower"
if mount -t tmpfs none "$root/upper" && mkdir "$root"/upper/{up,work} &&
	mount -t overlay overlay -o "lowerdir=$root/lower" \
	-o "upperdir=$root/upper/up,workdir=$root/upper/work" "$root/etc"
then
	host c
	in_force c
	printf '[checksum.crc32c]\nstate = off\n[parse.simd]\nstate = off\n' \
		> "$root/lower/mysvc.ini"
	eventually host_says c checksum.crc32c off
	printf '[checksum.crc32c\n' > "$root/lower/mysvc.ini"
	eventually reports 'mysvc.ini:1: [checksum.crc32c: ] is missing'
	answers c 'read checksum.crc32c' off
	cp "$root/outside/mysvc.ini" "$root/lower/mysvc.ini"
	eventually host_says c checksum.crc32c on
	eventually silent
	end c
else
	say 'skipped, no overlay here: a change below an overlay'
fi
