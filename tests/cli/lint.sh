# SPDX-License-Identifier: MIT
# lint.sh - a program's flags and tunables, read from its file, against a
# configuration.

source_dir=${RIPCORD_SOURCE:-$(cd "$here/../.." && pwd)}
CC=${CC:-cc}
cd "$root" || exit 1

# flag_register: nothing is linked, for nothing is run.
cat > main.c <<'END'
#include <ripcord.h>

FLAG_DEFINE_WITH(simd, "parse.simd", "parse 16 bytes at a time",
		 FLAG_INITIAL_ON, "parser team");
FLAG_DECLARE(crc);
FLAG_SIZE(bytes, "cache.bytes", 64 << 20, 1 << 20, 1 << 30,
	  "bytes of the result cache");

void flag_register(struct flag_object *object)
{
	(void)object;
}

int main(void)
{
	return flag_enabled(&simd) + flag_enabled(&crc);
}
END
cat > second.c <<'END'
#include <ripcord.h>

FLAG_DEFINE(crc, "checksum.crc32c", "hardware CRC32C");
FLAG_DEFINE(fast, "search.fast", "search with a table");
FLAG_DOUBLE(load, "pool.load", 0.75, 0.1, 1, "share of the pool in use");
FLAG_STRING(mode, "cache.mode", "lru", 16, "what goes first");
END
echo 'int main(void) { return 0; }' > empty.c

# build OUT COMPILER [OPTION...]: of two files, which are compiled one by one.
build()
{
	local to=$1

	shift
	"$@" -I"$source_dir/include" -O2 main.c second.c -o "$to" 2> log ||
		fail "$*: $(cat log)"
}

# can COMPILER [OPTION...]: it is there and links.
can()
{
	"$@" empty.c -o empty > /dev/null 2>&1
}

# reads COMPILER [OPTION...]: all flags of a program built so are found.
reads()
{
	local stripped

	if ! can "$@"; then
		say "absent: $*"
		return
	fi
	build way "$@"
	cp way way.stripped
	strip way.stripped || fail 'strip'
	for stripped in way way.stripped; do
		t -s mysvc init -n --from "$stripped"
		is 0
		[ "$out" = "$want" ] || fail "$*, $stripped:" \
			"$(diff <(echo "$want") <(echo "$out"))"
	done
	say "read: $*"
}

want='; Flags of mysvc.  A section is a flag; state is on, off or a part
; of all, such as 25%.
; A section with a value is a tunable; what it takes stands above it.
; Later files in mysvc.d/ win over this one.
; All of the files are taken, or none: flagctl check tells.

; bytes of the result cache
; a size such as 512, 64K, 2GiB (bytes, or one of B K M G T; K is 1024),
; from 1M to 1G
; compiled default: 64M
[cache.bytes]
value = 64M

; what goes first
; UTF-8 text without control characters, 0 to 16 bytes
; compiled default: lru
[cache.mode]
value = lru

; hardware CRC32C
[checksum.crc32c]
state = off

; parse 16 bytes at a time
; owner: parser team
; compiled default: on
[parse.simd]
state = off

; share of the pool in use
; a number such as 0.5, -3, 1e-6, from 0.1 to 1
; compiled default: 0.75
[pool.load]
value = 0.75

; search with a table
[search.fast]
state = off'

can "$CC" || fail "$CC does not link"
for cc in $(printf "%s\n" "$CC" gcc clang | awk "!seen[\$0]++"); do
	reads "$cc"
	reads "$cc" -fPIE -pie
	reads "$cc" -fno-pie -no-pie
	reads "$cc" -static
	reads "$cc" -static-pie -fPIE
	reads "$cc" -fPIC -shared
	reads "$cc" -Wl,-z,relro,-z,now -Wl,--gc-sections -fdata-sections
	reads "$cc" -Wl,-z,pack-relative-relocs
	reads "$cc" -Wl,--emit-relocs
	reads "$cc" -flto
	reads "$cc" -fuse-ld=gold
	reads "$cc" -fuse-ld=lld
	reads "$cc" -fuse-ld=lld -Wl,--pack-dyn-relocs=relr
	reads "$cc" -fuse-ld=lld -Wl,--apply-dynamic-relocs
	reads "$cc" -fsanitize=address
done
reads clang -flto -fuse-ld=lld

say 'what the program lacks is an error, what the file lacks is not'
build mysvc "$CC"
cat > good.ini <<'END'
[checksum.crc32c]
state = on
[breaker:cache]
threshold = 5
END
t lint ./mysvc good.ini
is 0
has 'good.ini:3: [breaker:cache]: skipped, not a flag'
shows <<'END'
Not in the configuration, so the compiled default decides:
FLAG         DEFAULT  OWNER        SUMMARY
parse.simd   on       parser team  parse 16 bytes at a time
search.fast  off      -            search with a table

TUNABLE      DEFAULT  OWNER  SUMMARY
cache.bytes  64M      -      bytes of the result cache
cache.mode   lru      -      what goes first
pool.load    0.75     -      share of the pool in use
ok: 3 flags, 3 tunables, 1 in the configuration
END
cat > bad.ini <<'END'
[checksum.crc32c]
state = on

[search.fsat]
state = on
[cache.warm]
state = off
END
t lint ./mysvc bad.ini
is 6
has 'bad.ini:5: [search.fsat]: not in ./mysvc; did you mean search.fast?'
has 'bad.ini:7: [cache.warm]: not in ./mysvc; if a library of it has this flag'
has 'search.fast  off'
lacks 'ok:'
t lint ./mysvc bad.ini --json
is 6
json '.unknown | map([.flag, .file, .line, .nearest]) | sort ==
	[["cache.warm", "bad.ini", 7, null],
	 ["search.fsat", "bad.ini", 5, "search.fast"]]'
json '.not_configured | map(.flag) == ["parse.simd", "search.fast"]'
json '.not_configured[0].default == "on" and .flags == 3 and .exit == 6'
json '.tunables_not_configured | map([.tunable, .default]) ==
	[["cache.bytes", "64M"], ["cache.mode", "lru"], ["pool.load", "0.75"]]'
json '.tunables == 3 and .refused == []'
json '(.errors | length) == 2'
t lint ./mysvc good.ini bad.ini
is 6

say 'a configuration that check would refuse'
printf '[parse.simd]\nstat = on\n' > key.ini
printf '[parse.simd]\nramp = 1%% 10m, 100%%\n' > later.ini
for name in key later; do
	t check $name.ini
	is 6
	refused=$err
	t lint ./mysvc $name.ini
	is 6
	[ "$err" = "$refused" ] || fail "check says otherwise: $refused"
	has "$name.ini:2: [parse.simd]"
	lacks 'Not in the configuration'
done
t lint ./mysvc key.ini bad.ini
is 6
has 'key.ini:2:'
has 'bad.ini:5:'

say 'what the program would refuse: values, their ranges, and the wrong key'
cat > values.ini <<'END'
[cache.bytes]
value = 2G
[cache.mode]
value = segmented.lru.two
[pool.load]
value = 50%
[search.fast]
value = 7
END
cat > keys.ini <<'END'
[cache.bytes]
state = 25%
[cache.mode]
state = on
[pool.load]
value = 0.1
[cache.byte]
value = 1M
END
t lint ./mysvc values.ini
is 6
has 'values.ini:2: [cache.bytes] value = 2G: more than 1G; use a size such as'
has '(bytes, or one of B K M G T; K is 1024), from 1M to 1G'
has 'values.ini:4: [cache.mode] value = segmented.lru.two: longer than 16 bytes'
has 'values.ini:6: [pool.load] value = 50%: not a number; use a number such as'
has '-3, 1e-6, from 0.1 to 1'
has 'values.ini:8: [search.fast] value = 7: this is a flag; use state = on, off'
lacks 'ok:'
t lint ./mysvc keys.ini
is 6
has 'keys.ini:2: [cache.bytes] state = 25%: this is a tunable; use value = ...'
has 'a size such as 512'
has 'keys.ini:4: [cache.mode] state = on: this is a tunable; use value = ..., U'
has 'keys.ini:8: [cache.byte]: not in ./mysvc; did you mean cache.bytes?'
lacks 'pool.load'
t lint ./mysvc values.ini keys.ini --json
is 6
json '.refused | map([.flag, .file, .line, .text]) == [
	["cache.bytes", "values.ini", 2, "2G"],
	["cache.mode", "values.ini", 4, "segmented.lru.two"],
	["pool.load", "values.ini", 6, "50%"],
	["search.fast", "values.ini", 8, "7"],
	["cache.bytes", "keys.ini", 2, "25%"],
	["cache.mode", "keys.ini", 4, "on"]]'
json '.refused[0].problem | test("^more than 1G; use a size .* from 1M to 1G$")'
json '.unknown | map([.flag, .nearest]) == [["cache.byte", "cache.bytes"]]'
json '.tunables_not_configured == [] and (.errors | length) == 7'

say 'a value that a later file overrides must be good all the same'
mkdir -p later/mysvc.d
printf '[cache.bytes]\nvalue = 1K\n' > later/mysvc.ini
printf '[cache.bytes]\nvalue = 1M\n' > later/mysvc.d/10-cache.ini
t -s mysvc lint ./mysvc later
is 6
has 'later/mysvc.ini:2: [cache.bytes] value = 1K: less than 1M'
lacks '10-cache'
printf '[cache.bytes]\nvalue = 1G\n' > later/mysvc.ini
t -s mysvc lint ./mysvc later
is 0

say 'each type: what init writes, and what lint says of it'
cat > types.c <<'END'
#include <ripcord.h>

#define FIFTY "01234567890123456789012345678901234567890123456789"

FLAG_BOOL(warm, "cache.warm", 1, "fill it at the start");
FLAG_INT64(threads, "pool.threads", 4, -1, 64, "threads");
FLAG_DOUBLE(load, "pool.load", -1e300, -1e301, 1e301, "load");
FLAG_DURATION(age, "cache.age", INT64_C(90000000000), 0, INT64_MAX, "age");
FLAG_SIZE(all, "cache.all", UINT64_MAX, 0, UINT64_MAX, "all of it");
FLAG_STRING(none, "text.none", "", 9, "");
FLAG_STRING(null, "text.null", NULL, 9, "no default at all");
FLAG_STRING(cut, "text.cut", "a ;b", 9, "a comment would begin");
FLAG_STRING(wide, "text.wide", "\xc3\xa4", 9, "not ASCII");
FLAG_STRING(long_, "text.long", FIFTY FIFTY FIFTY FIFTY FIFTY, 1000, "long");
END
"$CC" -I"$source_dir/include" -fPIC -shared types.c -o types.so ||
	fail 'types.so'
t -s mysvc init -n --from types.so
is 0
printf '%s\n' "$out" > types.ini
for line in cache.age=90s cache.all=18446744073709551615 cache.warm=on \
	pool.load=-1e300 pool.threads=4; do
	has "
[${line%%=*}]
value = ${line#*=}"
done
for name in none null cut wide long; do
	has "
; [text.$name]
; value = ..."
done
has 'compiled default: an empty text'
has 'compiled default: a ;b'
t check types.ini
is 0
has 'ok: 1 file, 0 flags, 5 tunables'
t lint types.so types.ini
is 0
has 'ok: 0 flags, 10 tunables, 5 in the configuration'
for pair in cache.age=90 cache.all=-1 cache.warm=yes pool.load=nan \
	pool.threads=4K pool.threads=65 pool.threads=-2 text.none=0123456789; do
	printf '[%s]\nvalue = %s\n' "${pair%%=*}" "${pair#*=}" > pair.ini
	t lint types.so pair.ini
	is 6
	has "pair.ini:2: [${pair%%=*}] value = ${pair#*=}: "
	has '; use '
done

say 'plugins and libraries may follow the program'
cat > plugin.c <<'END'
#include <ripcord.h>

FLAG_DEFINE(warm, "cache.warm", "fill the cache at the start");
FLAG_DEFINE(crc, "checksum.crc32c", "the same name as in the program");
END
"$CC" -I"$source_dir/include" -fPIC -shared plugin.c -o plugin.so ||
	fail 'plugin.so'
t lint ./mysvc plugin.so bad.ini
is 6
has '[search.fsat]: not in any of 2 files; did you mean search.fast?'
lacks 'cache.warm]'
t lint ./mysvc plugin.so bad.ini --json
json '.flags == 4'

say 'a folder, and the configuration of the service'
mkdir -p files/mysvc.d
cp good.ini files/mysvc.ini
printf '[parse.smid]\nstate = off\n' > files/mysvc.d/10-a.ini
t lint ./mysvc files
is 2
has 'files is a folder: name the service'
t -s ../a lint ./mysvc files
is 2
t -s mysvc lint ./mysvc files
is 6
has 'files/mysvc.d/10-a.ini:2: [parse.smid]: not in ./mysvc; did you mean parse'
RIPCORD_SERVICE=mysvc t lint ./mysvc files
is 6
t -s other lint ./mysvc files
is 3
has 'files: neither other.ini nor a file in other.d is there'
echo 'stat' > files/mysvc.ini
t -s mysvc lint ./mysvc files
is 6
has 'files/mysvc.ini:1: '
t -s mysvc lint ./mysvc
is 3
has 'no such service: mysvc'
file mysvc.ini < good.ini
t lint ./mysvc
is 0
has 'ok: 3 flags, 3 tunables, 1 in the configuration'
file mysvc.d/10-a.ini <<'END'
[parse.smid]
state = off
END
t lint ./mysvc
is 6
has 'mysvc.d/10-a.ini:2: [parse.smid]: not in ./mysvc'
file mysvc.d/10-a.ini <<< 'stat'
t check
refused=$err
t lint ./mysvc
is 6
[ "$err" = "$refused" ] || fail "check says otherwise: $refused"
rm -r "$root/etc/mysvc.ini" "$root/etc/mysvc.d"

say 'init --from: every flag, each off; lint agrees with it'
t init mysvc --from ./mysvc -n
is 0
[ "$out" = "$want" ] || fail "$out"
[ ! -e "$root/etc/mysvc.ini" ] || fail '-n writes'
t init mysvc --from ./mysvc -n --json
is 0
json '.text | index("[parse.simd]") > 0'
t init mysvc --from ./mysvc
is 0
has "etc/mysvc.ini written: 3 flags, each off; 3 tunables, each as compiled"
[ "$(cat "$root/etc/mysvc.ini")" = "$want" ] || fail 'another text'
t check
is 0
has 'ok: 1 file, 3 flags, 3 tunables'
t lint ./mysvc
is 0
has 'ok: 3 flags, 3 tunables, 6 in the configuration'
lacks 'Not in'
t init mysvc --from ./mysvc
is 5
has 'stays as it is'
[ "$(cat "$root/etc/mysvc.ini")" = "$want" ] || fail 'touched'
t -s other init mysvc --from ./mysvc
is 2
has 'which service, other or mysvc?'
t init other --from empty.c
is 3
[ ! -e "$root/etc/other.ini" ] || fail 'written for nothing'
t lint
is 2
t list --from ./mysvc
is 2
has 'list does not take --from'
t init mysvc --from
is 2

say 'a text of a program ends no comment'
cat > hostile.c <<'END'
#include <ripcord.h>

FLAG_DEFINE_WITH(a, "a", "one\n[b]\nstate = on\033[2J", 0, "x\n[c]");
END
"$CC" -I"$source_dir/include" -fPIC -shared hostile.c -o hostile.so ||
	fail 'hostile.so'
t -s mysvc init -n --from hostile.so
is 0
has '; one?[b]?state = on?[2J'
printf '%s\n' "$out" > hostile.ini
t lint hostile.so hostile.ini
is 0
has 'ok: 1 flag, 1 in the configuration'
sed 's/"a", "one/"a b", "one/' hostile.c > name.c
"$CC" -I"$source_dir/include" -fPIC -shared name.c -o name.so || fail 'name.so'
t lint name.so good.ini
is 6
has 'name.so: "a b" cannot be the name of a flag'
sed 's/one.n/\xef\xbb\xbf/' hostile.c > mark.c
"$CC" -I"$source_dir/include" -fPIC -shared mark.c -o mark.so || fail 'mark.so'
t -s mysvc init -n --from mark.so
is 0
printf '%s\n' "$out" > mark.ini
t check mark.ini
is 0

say 'definitions that a program would not take'
# rejects TEXT, of a definition on standard input
rejects()
{
	{ echo '#include <ripcord.h>'; cat; } > rejected.c
	"$CC" -I"$source_dir/include" -fPIC -shared rejected.c -o rejected.so ||
		fail 'rejected.so'
	t lint rejected.so good.ini
	is 6
	has "rejected.so: $1"
}
rejects '"defaults" cannot be the name of a flag: it is a reserved word' <<'END'
FLAG_DEFINE(a, "defaults", "text");
END
rejects '"record" cannot be the name of a flag: it is a reserved word' <<'END'
FLAG_BOOL(a, "record", 0, "text");
END
rejects '"-a" cannot be the name of a flag' <<'END'
FLAG_BOOL(a, "-a", 0, "text");
END
rejects 'tunable a, compiled default 2G: more than 1G; use a size' <<'END'
FLAG_SIZE(a, "a", INT64_C(2) << 30, 1, 1 << 30, "text");
END
rejects 'tunable a, compiled default 5: less than 7' <<'END'
FLAG_INT64(a, "a", 5, 7, 3, "text");
END
rejects 'tunable a, compiled default lru: longer than 2 bytes' <<'END'
FLAG_STRING(a, "a", "lru", 2, "text");
END
rejects 'tunable a, compiled default l?u: a control character' <<'END'
FLAG_STRING(a, "a", "l\nu", 9, "text");
END
rejects 'a is a flag and a tunable; give one of them another name' <<'END'
FLAG_DEFINE(a, "a", "text");
FLAG_BOOL(b, "a", 0, "text");
END
rejects 'tunable a is defined twice, not with the same type, range and '\
'default; give both the same' <<'END'
FLAG_INT64(a, "a", 5, 1, 9, "text");
FLAG_INT64(b, "a", 5, 1, 8, "text");
END
cat > other.c <<'END'
#include <ripcord.h>

FLAG_SIZE(bytes, "cache.bytes", 32 << 20, 1 << 20, 1 << 30, "another");
END
"$CC" -I"$source_dir/include" -fPIC -shared other.c -o other.so ||
	fail 'other.so'
t lint ./mysvc other.so good.ini
is 6
has 'other.so: tunable cache.bytes is defined twice'
sed 's/32 << 20/64 << 20/' other.c > same.c
"$CC" -I"$source_dir/include" -fPIC -shared same.c -o same.so || fail 'same.so'
t lint ./mysvc same.so good.ini
is 0
has 'ok: 3 flags, 3 tunables, 1 in the configuration'

# refuses FILE TEXT
refuses()
{
	t lint "$1" good.ini
	is 3
	has "$1: $2"
	t -s mysvc init -n --from "$1"
	is 3
	has "$1: $2"
}

# patched NAME OFFSET BYTES: the program with other bytes.
patched()
{
	cp mysvc "$1"
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

say 'files without flags are refused with a text'
"$CC" empty.c -o empty
"$CC" -I"$source_dir/include" -c second.c -o second.o
printf '#!/bin/sh\n' > wrapper
mkfifo pipe
refuses nothing 'no such file'
refuses main.c/nothing 'no such file'
refuses main.c 'not an ELF file'
refuses /dev/null 'not a regular file'
refuses /dev/zero 'not a regular file'
refuses pipe 'not a regular file'
refuses files 'not a regular file'
refuses wrapper 'it is a script, not an ELF file; libtool'
refuses empty 'it defines no flags'
refuses second.o 'it is not linked yet'
objcopy --only-keep-debug mysvc debug || fail 'objcopy'
refuses debug 'it holds debug symbols only'
patched class 4 '\001'
refuses class 'it is a 32-bit file'
patched order 5 '\003'
refuses order 'it has another byte order'
patched type 16 '\004'
refuses type 'it is neither a program nor a shared object'
patched machine 18 '\377'
refuses machine 'it is for a machine (ELF number 255)'
patched sectionless 40 '\0\0\0\0\0\0\0\0'
refuses sectionless 'it has no section headers'
patched offset 40 '\377\377\377\377\377\377\377\377'
refuses offset 'its headers point out of the file'
: > short
refuses short 'not an ELF file'

say 'a truncated file is refused, wherever it ends'
size=$(stat -c %s mysvc)
for ((length = 4; length < size; length += size / 29)); do
	head -c $length mysvc > short
	refuses short 'its headers point out of the file'
done

say 'a service that has run: list and registrations tell types to check'
service=runs
host a
t -s runs init -n
is 0
has '
; a size such as 512, 64K, 2GiB (bytes, or one of B K M G T; K is 1024)
; compiled default: 64M
; [cache.bytes]
; value = 64M'
has '; value = lru'
lacks '
['
file runs.ini <<'END'
[cache.bytes]
value = 64
[cache.mode]
value = 64
END
t -s runs check
is 0
[ -z "$err" ] || fail "warns: $err"
file runs.ini <<'END'
[cache.bytes]
value = many
[cache.mode]
state = 10%
[search.fast]
value = 7
END
# warns: of each line, and says no range, which it does not know.
warns()
{
	t -s runs check
	is 0
	has 'runs.ini:2: [cache.bytes] value = many: not of its type here'
	has '; use a size such as 512, 64K, 2GiB (bytes, or one of B K M G'
	lacks ' from '
	has 'runs.ini:4: [cache.mode]: a tunable here; use value, not state'
	has 'runs.ini:6: [search.fast]: a flag here; use state, not value'
	t -s runs check --json
	json '.warnings | length == 3'
}
warns
mv "$root/state/runs/flags" list
warns
crash a
warns
mv list "$root/state/runs/flags"
rm -r "$root/run/runs"
warns

say 'a list that somebody wrote ends no comment'
printf 'cache.bytes =4:1M%%0A[b] text\n' > "$root/state/runs/flags"
rm "$root/etc/runs.ini"
t -s runs init -n
is 0
has '; value = 1M?[b]'

say 'what may not be read: as root, as another user'
run=("$FLAGCTL")
if [ "$(id -u)" = 0 ]; then
	cp "$FLAGCTL" flagctl
	chmod 755 .
	run=(setpriv --reuid 65534 --regid 65534 --clear-groups ./flagctl)
fi
FLAGCTL=./closed
printf '#!/bin/sh\nexec %s "$@"\n' "${run[*]}" > closed
chmod 755 closed
chmod 0 mysvc
t lint ./mysvc good.ini
is 7
has './mysvc: not permitted to read'
t -s mysvc init -n --from ./mysvc
is 7
chmod 755 mysvc
chmod 0 good.ini
t lint ./mysvc good.ini
is 7
has 'good.ini: not permitted to read'
