# SPDX-License-Identifier: MIT
# share.sh - percentages: three readers, three units, and who says what of them.

file mysvc.ini <<'END'
[checksum.crc32c]
state = 25%
bucket = flagd2
END
host a --instance web-1
host b --instance web-2
host c --instance web-3

say 'each instance keeps its arm, and why agrees with all of them'
# murmur3 of "checksum.crc32c" and the name puts web-1 at 2.4 %, web-2 at 67 %
t bucket checksum.crc32c web-1
is 0
first=$out
t why checksum.crc32c
is 0
has '25% of instances for flag_enabled'
has '25%, here'
t list checksum.crc32c
is 0
has 'checksum.crc32c  25% '
t get checksum.crc32c
[ "$out" = 25% ] || fail "$out"

say 'keys: the tool and the process give one answer for each'
on=0
for key in alice bob carol dave erin frank grace heidi ivan judy mallory; do
	t bucket checksum.crc32c "$key" --json
	is 0
	arm=$(printf '%s' "$out" | jq -r .arm)
	answers a "key checksum.crc32c $key" "$arm"
	answers b "key checksum.crc32c $key" "$arm"
	[ "$arm" = on ] && on=$((on + 1))
done
[ $on -gt 0 ] && [ $on -lt 11 ] || fail "$on of 11 keys"

say 'calls: about a quarter of many'
ask a 'calls checksum.crc32c 100000'
[ "$answer" -gt 24000 ] && [ "$answer" -lt 26000 ] || fail "$answer calls"
units()
{
	t why checksum.crc32c
	[[ $out == *'2 processes read it by key'*'(1 by call)'* ]]
}
eventually units

say 'an operator moves the share; growing takes nobody out'
t set checksum.crc32c 5%
is 0
has 'checksum.crc32c  25%  ->  5%'
has 'until unset'
for key in alice bob carol dave erin frank grace heidi; do
	ask a "key checksum.crc32c $key"
	before=$answer
	t bucket checksum.crc32c "$key" --json
	json ".arm == \"$before\""
done
t set checksum.crc32c 60% --json
is 0
json '.changes[0].before == "5%" and .changes[0].after == "60%"'
json '.changes[0].until != null'
t why checksum.crc32c
is 0
has 'set to 60% by'
has 'To let mysvc.ini:2 (25%) decide'
t off checksum.crc32c
is 0
for key in alice bob carol; do
	answers a "key checksum.crc32c $key" off
done
answers a 'calls checksum.crc32c 1000' 0
t set checksum.crc32c 100%
is 0
answers a 'calls checksum.crc32c 1000' 1000
t unset checksum.crc32c
is 0
t why checksum.crc32c
is 0

say 'the environment of one process, if it asks for it'
export RIPCORD_FLAGS=search.fast=on,cache.bytes=2M
host d --environment
host e
unset RIPCORD_FLAGS
answers d 'read search.fast' on
answers e 'read search.fast' off
answers d 'value cache.bytes' '2097152 2097152'
answers e 'value cache.bytes' '67108864 67108864'
t why search.fast
is 0
has 'environment'
has 'decides in 1 of 5 processes'
t off search.fast
is 0
answers d 'read search.fast' off
t unset search.fast
is 0
answers d 'read search.fast' on

say 'an environment that cannot be is not applied, and said'
export RIPCORD_FLAGS=search.fast=on,parse.simd=perhaps,defaults=on
degraded 'a reserved word' f --environment --log "$root/f.log"
unset RIPCORD_FLAGS
logged=$(grep -c 'RIPCORD_FLAGS:3: .*; the files decide)$' "$root/f.log")
[ "$logged" = 1 ] || fail "$(cat "$root/f.log")"
answers f 'read search.fast' off
told()
{
	t status
	[[ $out == *'RIPCORD_FLAGS:3: defaults=on: a reserved word of '* &&
		$out == *'(environment not applied; the files decide)'* ]]
}
eventually told

say 'nor does a name that cannot be leave it without flags'
export RIPCORD_INSTANCE='web 4'
degraded 'instance "web 4": use at most 127 characters' g --environment
unset RIPCORD_INSTANCE
t off parse.simd
is 0
answers g 'read parse.simd' off
t unset parse.simd
t status
has 'instance "web 4"'

say 'tunables: a value, its place, and what is refused'
file mysvc.d/10-cache.ini <<'END'
[cache.bytes]
value = 32M
[cache.mode]
value = arc
END
t reload
is 0
answers a 'value cache.bytes' '33554432 33554432'
answers a 'value cache.mode' 'arc arc'
answers d 'value cache.bytes' '2097152 2097152'
t list
is 0
has 'cache.bytes  32M    mysvc.d/10-cache.ini:2  64M'
t get cache.bytes
[ "$out" = 32M ] || fail "$out"
t why cache.bytes
is 0
has 'cache.bytes is 32M: mysvc.d/10-cache.ini:2 says so.'
t off cache.bytes
is 2
has 'is a tunable, not a flag'
t bucket cache.bytes alice
is 2
has 'is a tunable, not a flag'
file mysvc.d/20-cache.ini <<'END'
[cache.bytes]
value = 2G
END
t reload
is 6
has 'mysvc.d/20-cache.ini:2: [cache.bytes] value = 2G: '
has '1M to 1G'
answers a 'value cache.bytes' '33554432 33554432'
t list cache.bytes
has 'cache.bytes: pid'
has 'reports 32M; flagctl why cache.bytes tells more'
t why cache.bytes
is 1
has 'has 32M'
file mysvc.d/20-cache.ini <<'END'
[cache.bytes]
state = on
END
t reload
is 6
has 'this is a tunable; use value = ..., a size such as 512'
has 'from 1M to 1G (not taken; what it has stays in force)'
file mysvc.d/20-cache.ini <<'END'
[search.fast]
value = 7
END
t reload
is 6
has 'this is a flag; use state'
file mysvc.d/20-cache.ini <<< '[cache.mode'
t reload
is 6
t get cache.mode
is 6
[ "${out:-none}" = none ] || fail "$out"
has '20-cache.ini:1: [cache.mode: ] is missing'
t why cache.mode
is 0
has 'cache.mode: its files are refused; each process keeps what it has.'
t list
is 0
has 'cache.mode   -      files refused  lru'
rm "$root/etc/mysvc.d/20-cache.ini"
t reload
is 0
