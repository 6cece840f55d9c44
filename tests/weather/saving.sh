# SPDX-License-Identifier: MIT
# saving.sh - every way in which people and programs save a file, three times
# each: each save is seen, and between two good files there is never a third
# state.
. "$here/../weather/lib.sh"

good
host a
in_force
new=$root/etc/new

# contents on|off|long: of the same size, so that only the rest tells them apart
contents()
{
	local word=$1 pad=' '

	[ "$1" = on ] || pad=
	printf '[parse.simd]\nstate = off\n; %s\n' "$pad"
	printf '[checksum.crc32c]\nstate = %s\n' "$word"
}

# --- The ways: each has the new contents in $new -----------------------------

write_in_place() { cat "$new" > "$main"; }
write_through_tee() { tee "$main" < "$new" > /dev/null; }
overwrite_without_truncating()
{
	dd if="$new" of="$main" conv=notrunc status=none
	truncate -s "$(stat -c %s "$new")" "$main"
}
begin_and_append()
{
	head -n 2 "$new" > "$main"
	tail -n +3 "$new" >> "$main"
}
rename_over() { mv "$new" "$main"; }
rename_hidden_temporary()
{
	cp "$new" "$root/etc/.mysvc.ini.Xa3bQ"
	mv "$root/etc/.mysvc.ini.Xa3bQ" "$main"
}
move_from_another_folder()
{
	cp "$new" "$root/elsewhere"
	mv "$root/elsewhere" "$main"
}
copy_over() { cp "$new" "$main"; }
copy_after_removing() { cp --remove-destination "$new" "$main"; }
copy_with_its_old_time()
{
	cat "$new" > "$main"
	touch -d '2001-01-01' "$main"
}
install_it() { install -m 644 "$new" "$main"; }
stream_editor_in_place()
{
	sed -i "3s/.*/$(sed -n 3p "$new")/; \$s/.*/$(tail -n 1 "$new")/" "$main"
}
remove_and_create()
{
	rm "$main"
	cat "$new" > "$main"
}
vi_rename_the_old_one()
{
	touch "$root/etc/4913" && rm "$root/etc/4913"
	mv "$main" "$main~"
	cat "$new" > "$main"
	chmod 644 "$main"
	rm "$main~"
}
vi_copy_the_old_one()
{
	cp -p "$main" "$main~"
	cat "$new" > "$main"
	rm "$main~"
}
emacs_with_lock_and_backup()
{
	ln -s "me@here.1:2" "$root/etc/.#mysvc.ini"
	mv "$main" "$main~"
	cat "$new" > "$main"
	rm "$root/etc/.#mysvc.ini"
}
hard_link_over() { ln -f "$new" "$main" && rm "$new"; }
link_anew()
{
	local to=versions/$RANDOM

	mkdir -p "$root/etc/versions"
	cp "$new" "$root/etc/$to"
	ln -sf "$to" "$main"
}
link_swapped_by_rename()
{
	local to=versions/$RANDOM

	mkdir -p "$root/etc/versions"
	cp "$new" "$root/etc/$to"
	ln -s "$to" "$root/etc/link"
	mv -T "$root/etc/link" "$main"
}
target_of_a_link_edited() { cat "$new" > "$main"; }
target_of_a_link_renamed_over()
{
	mv "$new" "$(readlink -f "$main")"
}
unpacked_from_an_archive()
{
	mkdir "$root/tree"
	cp "$new" "$root/tree/mysvc.ini"
	tar -C "$root/tree" -cf - mysvc.ini | tar -C "$root/etc" -xf -
	rm -r "$root/tree"
}

ways='write_in_place write_through_tee overwrite_without_truncating
	begin_and_append rename_over rename_hidden_temporary
	move_from_another_folder copy_over copy_after_removing
	copy_with_its_old_time install_it stream_editor_in_place
	remove_and_create vi_rename_the_old_one vi_copy_the_old_one
	emacs_with_lock_and_backup hard_link_over link_anew
	link_swapped_by_rename target_of_a_link_edited
	target_of_a_link_renamed_over unpacked_from_an_archive'

say 'each way of saving is seen, each time'
word=on
answers a 'sample parse.simd' 0
for way in $ways; do
	for repeat in 1 2 3; do
		[ $word = on ] && word=off || word=on
		contents $word > "$new"
		$way
		rm -f "$new"
		eventually host_says a checksum.crc32c $word
	done
	t check
	is 0
	lacks flagctl:
done
ask a sampled
[ "${answer% *}" = 0 ] || fail "parse.simd was on: $answer"
rm -rf "$main" "$main~" "$root/etc/versions"
clear

if command -v vim > /dev/null; then
	say 'the editor itself'
	for word in off on off; do
		vim -es -u NONE -i NONE -c '%s/^state = o\w*/state = '$word/ \
			-c wq "$main" < /dev/null || fail "vim: $?"
		eventually host_says a checksum.crc32c $word
	done
	clear
else
	say 'skipped, vim is not there: the editor itself'
fi

say 'touched a thousand times, nothing is published'
before=$(word checksum.crc32c)
[ "${#before}" = 8 ] || fail "no word: $before"
for i in $(seq 1000); do
	: >> "$main"
	touch -c "$main"
done
cat "$main" > "$new" && mv "$new" "$main"
eventually applied
t reload
is 0
[ "$before" = "$(word checksum.crc32c)" ] ||
	fail "$before became $(word checksum.crc32c)"
in_force
silent || fail 'somebody complains'

say 'a slow writer, one byte every ten milliseconds'
# The comment takes longer than anybody waits for quiet: what stands above it
# is a shorter set, in order, which is looked at.
printf '[parse.simd]\nstate = off\n; %0150d\n' 0 > "$new"
printf '[checksum.crc32c]\nstate = on\n[search.fast]\nstate = on\n' >> "$new"
answers a 'sample checksum.crc32c' 0
size=$(stat -c %s "$new")
: > "$main"
for ((i = 0; i < size; i++)); do
	dd if="$new" bs=1 skip=$i count=1 status=none >> "$main"
	sleep 0.01
done
rm "$new"
eventually host_says a search.fast on
ask a sampled
[ "${answer#* }" = 0 ] || fail "on and off: $answer"
eventually silent
eventually applied
clear

say 'cut at every byte: refused with its line, or a shorter set that waits'
good
answers a 'sample checksum.crc32c' 0
cp "$main" "$root/whole"
cut=0 short=0
for ((i = $(stat -c %s "$main") - 1; i >= 0; i--)); do
	head -c "$i" "$root/whole" > "$root/part.ini"
	t check "$root/part.ini"
	if [ $status = 6 ]; then
		cp "$root/part.ini" "$main"
		eventually reports "mysvc.ini:${err##*/part.ini:}"
		cut=$((cut + 1))
	else
		# Shorter, and in order: a second passes before it counts.
		is 0
		cp "$root/part.ini" "$main"
		cp "$root/whole" "$main"
		short=$((short + 1))
	fi
	in_force
done
ask a sampled
[ "${answer#* }" = 0 ] || fail "on and off: $answer"
[ $cut -gt 30 ] && [ $short -gt 2 ] || fail "$cut cut, $short short"
clear

say 'two editors, one valid and one not, in turn'
printf '[checksum.crc32c\nstate = off\n' > "$root/bad"
cp "$main" "$root/whole"
seconds=4
soaking && seconds=60
answers a 'sample checksum.crc32c' 0
end_at=$((SECONDS + seconds)) turns=0
while [ $SECONDS -lt $end_at ]; do
	cp "$root/bad" "$main"
	[ $((turns % 8)) != 0 ] || eventually reports 'mysvc.ini:1: [check'
	cp "$root/whole" "$new" && mv "$new" "$main"
	[ $((turns % 8)) != 0 ] || eventually silent
	turns=$((turns + 1))
done
ask a sampled
[ "${answer#* }" = 0 ] || fail "on and off: $answer"
eventually silent
in_force
cp "$root/bad" "$main"
refused 'mysvc.ini:1: [checksum.crc32c: ] is missing'
clear
