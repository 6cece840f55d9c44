# SPDX-License-Identifier: MIT
# swap.sh - folders that are swapped behind a link, as orchestrators do with
# configuration volumes: never half of one and half of the other, never nothing,
# and the last one is in force.
. "$here/../weather/lib.sh"

# volume NUMBER: both hold the same two words in files that differ, so that a
# mixture of two volumes would lack one of them.
volume()
{
	local folder=$root/etc/..$1

	mkdir -p "$folder/mysvc.d"
	if [ $(($1 % 2)) = 0 ]; then
		printf '[checksum.crc32c]\nstate = on\n' > "$folder/mysvc.ini"
		printf '[search.fast]\nstate = on\n' >> "$folder/mysvc.ini"
		printf '[parse.simd]\nstate = off\n' > "$folder/mysvc.d/10.ini"
	else
		printf '[parse.simd]\nstate = off\n' > "$folder/mysvc.ini"
		printf '[search.fast]\nstate = off\n' >> "$folder/mysvc.ini"
		printf '[checksum.crc32c]\nstate = on\n' \
			> "$folder/mysvc.d/10.ini"
	fi
}

# publish NUMBER: the new one is complete before the link turns to it, and the
# old one is removed at once.
publish()
{
	volume "$1"
	ln -s "..$1" "$root/etc/..data_tmp"
	mv -T "$root/etc/..data_tmp" "$root/etc/..data"
	rm -rf "$root/etc/..$(($1 - 1))"
}

volume 0
ln -s ..0 "$root/etc/..data"
ln -s ..data/mysvc.ini "$main"
ln -s ..data/mysvc.d "$dropins"
host a
host b --loop
in_force
in_force b
answers a 'read search.fast' on
answers a 'sample checksum.crc32c' 0
answers b 'sample parse.simd' 0

rounds=100
soaking && rounds=1000
say "$rounds swaps, ten a second"
for ((i = 1; i <= rounds; i++)); do
	publish $i
	sleep 0.1
done
eventually host_says a search.fast on
eventually host_says b search.fast on
publish $((rounds + 1))
eventually host_says a search.fast off
eventually host_says b search.fast off

say 'as fast as it goes, and read all the while'
(
	for ((i = rounds + 2; i <= rounds + 400; i++)); do
		publish $i
	done
) &
publisher=$!
reads=0
while kill -0 $publisher 2> /dev/null; do
	ask a reload
	case $answer in
	0 | -11\ *) ;;
	*) fail "a reload in between: $answer" ;;
	esac
	reads=$((reads + 1))
done
wait $publisher || fail "the publisher: $?"
[ $reads -gt 20 ] || fail "$reads reads only"
eventually host_says a search.fast on
eventually host_says b search.fast on
ask a sampled
[ "${answer#* }" = 0 ] || fail "crc32c on and off: $answer"
ask b sampled
[ "${answer% *}" = 0 ] || fail "simd on and off: $answer"
in_force
in_force b
eventually silent
t reload
is 0
has 'ok 2/2 families'

say 'a swap to what is broken is refused, the next one is taken'
i=$((rounds + 401))
volume $i
printf '[search.fast]\nstaet = off\n' > "$root/etc/..$i/mysvc.d/20.ini"
publish $i
refused 'mysvc.d/20.ini:2: [search.fast] staet = off: unknown key'
in_force b
publish $((i + 1))
eventually silent
in_force

say 'a link to nothing, for as long as the volume is away'
mv "$root/etc/..data" "$root/away"
refused 'mysvc'
mv "$root/away" "$root/etc/..data"
eventually silent
in_force
