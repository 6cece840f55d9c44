# SPDX-License-Identifier: MIT
# writers.sh - several flagctl at once, folders that fail, damaged files.

host a
off_count=12

say 'writers at the same time lose nothing'
for i in $(seq $off_count); do
	printf '[many.flag%d]\nstate = on\n' "$i"
done > "$root/many"
file mysvc.ini < "$root/many"
t reload
is 0
for i in $(seq $off_count); do
	"$FLAGCTL" off "many.flag$i" > "$root/writer$i" 2>&1 &
	writer[i]=$!
done
for i in $(seq $off_count); do
	wait "${writer[i]}" || fail "writer $i: $(cat "$root/writer$i")"
done
for folder in state run; do
	[ "$(grep -c '^flag many.*state=off' \
		"$root/$folder/mysvc/live/overrides")" = $off_count ] ||
		fail "$folder has lost something"
	[ "$(sed -n 's/^flag .* generation=\([0-9]*\) .*/\1/p' \
		"$root/$folder/mysvc/live/overrides" | sort -u | wc -l)" = \
		$off_count ] || fail 'a generation twice'
done
t unset 'many.*'
is 0

say 'a writer that hangs with the lock does not keep anybody from a panic'
host b
answers b hold 0
t off search.fast
is 1
has 'another writer has held it for a second; nothing changed'
t panic
is 0
has 'going on without the lock'
answers a 'read parse.simd' off
answers b release 0
end b
t unpanic
is 0
answers a 'read parse.simd' on

say 'a damaged file: off still works, by the other folder'
t on search.fast
is 0
answers a 'read search.fast' on
cp "$root/state/mysvc/live/overrides" "$root/good"
sed -i 's/state=on/state=off/' "$root/state/mysvc/live/overrides"
t on parse.simd
is 1
has 'overrides'
has 'nothing changed'
t off search.fast
is 4
has 'durable no ('
answers a 'read search.fast' off
t status
is 0
has "$root/state/mysvc/live/overrides"
cp "$root/good" "$root/state/mysvc/live/overrides"
t unset search.fast
is 0

# newer FILE: as a later version would have written it
newer()
{
	local sum

	sed '1s/1$/99/; /^end /d' "$1" > "$root/newer"
	sum=$(gzip -c "$root/newer" | tail -c 8 |
		od -An -tx4 -N4 --endian=little)
	echo "$(grep -o '^end [0-9]*' "$1") ${sum# }" >> "$root/newer"
	mv "$root/newer" "$1"
}

say 'a file of a newer version is not overwritten'
overrides=$root/run/mysvc/live/overrides
newer "$overrides"
before=$(cat "$root/run/mysvc/live/overrides")
t off search.fast
has 'newer version'
[ "$before" = "$(cat "$root/run/mysvc/live/overrides")" ] ||
	fail 'overwritten'
rm "$root/run/mysvc/live/overrides"
t unset search.fast
is 0

say 'a removal is remembered while an older record stands in the other folder'
t on search.fast
is 0
cp "$root/state/mysvc/live/overrides" "$root/good"
newer "$root/state/mysvc/live/overrides"
t unset search.fast
is 4
has 'newer version'
answers a 'read search.fast' off
t off parse.simd
is 4
answers a 'read search.fast' off
cp "$root/good" "$root/state/mysvc/live/overrides"
t unset parse.simd search.fast
is 0

say 'no state directory: an on is refused, an off works and says what it lacks'
mv "$root/state/mysvc/live" "$root/state/mysvc/away"
: > "$root/state/mysvc/live"
t on search.fast
is 1
has 'nothing changed'
answers a 'read search.fast' off
t off parse.simd
is 4
has 'durable no ('
answers a 'read parse.simd' off
rm "$root/state/mysvc/live"
mv "$root/state/mysvc/away" "$root/state/mysvc/live"
t unset parse.simd
is 0
answers a 'read parse.simd' on

say 'Ctrl-C ends the waiting, not the change'
kill -STOP "${pid[a]}"
trap : INT
setsid "$FLAGCTL" off parse.simd --wait 60s > "$root/late" 2>&1 &
late=$!
written()
{
	grep -q '^flag parse.simd state=off' \
		"$root/state/mysvc/live/overrides"
}
eventually written
kill -TERM $late
wait $late
[ $? = 4 ] || fail "$(cat "$root/late")"
grep -q 'acknowledged before the interrupt, durable yes' "$root/late" ||
	fail "$(cat "$root/late")"
kill -CONT "${pid[a]}"
eventually host_says a parse.simd off
[ -z "$(find "$root" -name '*.tmp')" ] || fail 'a temporary file is left'
