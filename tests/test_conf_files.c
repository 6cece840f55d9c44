/* SPDX-License-Identifier: MIT */
/*
 * test_conf_files.c - the files of a service: which are read, in which order,
 * what keeps a set from being taken, digest and signature.
 */
#include "store/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/error.h"
#include "suite.h"

/* A folder of its own for each test; its descriptor. */
static char folder[PATH_MAX];

static int
make_folder(void)
{
	const char *parent = getenv("TMPDIR");
	int directory;

	snprintf(folder, sizeof(folder), "%s/ripcord-conf-XXXXXX",
		 parent == NULL ? "/tmp" : parent);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(directory, 0);
	return directory;
}

static void
remove_folder(int directory)
{
	char command[PATH_MAX + 16];

	close(directory);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static void
put(int directory, const char *name, const char *text)
{
	int file = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	size_t size = strlen(text);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, text, size), (ssize_t)size);
	close(file);
}

/* mysvc.ini and two drop-ins, all good. */
static void
put_good(int directory)
{
	put(directory, "mysvc.ini", "[a]\nstate = on\n[b]\nstate = on\n");
	ck_assert_int_eq(mkdirat(directory, "mysvc.d", 0755), 0);
	put(directory, "mysvc.d/10-x.ini", "[b]\nstate = off\n");
	put(directory, "mysvc.d/20-y.ini", "[c]\nstate = on\n");
}

static struct conf *
read_good(int directory)
{
	struct flag_error error = { 0 };
	struct conf *conf = flagp_conf_read(directory, "mysvc", &error);

	ck_assert_msg(conf != NULL, "%s: %s", error.file, error.text);
	ck_assert_int_eq(error.code, 0);
	return conf;
}

static void
read_refused(int directory, int code, const char *file, const char *text)
{
	struct flag_error error = { 0 };

	ck_assert_ptr_null(flagp_conf_read(directory, "mysvc", &error));
	ck_assert_str_eq(error.text, text);
	ck_assert_str_eq(error.file, file);
	ck_assert_uint_eq(error.line, 0);
	ck_assert_int_eq(error.code, code);
	ck_assert_ptr_null(flagp_conf_read(directory, "mysvc", NULL));
}

static void
check_value(const struct conf_value *value, const char *file, unsigned line,
	    bool on)
{
	ck_assert_ptr_nonnull(value);
	ck_assert_str_eq(value->file, file);
	ck_assert_uint_eq(value->line, line);
	ck_assert_uint_eq(value->share, on ? FLAGP_SHARE_ALL : 0);
	ck_assert(value->dropin == (strchr(file, '/') != NULL));
}

START_TEST(main_file_then_dropins)
{
	const char *source = getenv("RIPCORD_SOURCE");
	char path[PATH_MAX];
	struct conf *conf;
	int directory;

	snprintf(path, sizeof(path), "%s/tests/data/conf",
		 source == NULL ? "." : source);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(directory >= 0, "%s: %s", path, strerror(errno));
	conf = read_good(directory);
	ck_assert_uint_eq(conf->files, 3);
	ck_assert_uint_eq(conf->count, 7);
	check_value(flagp_conf_last(conf, "checksum.crc32c"), "mysvc.ini", 9,
		    true);
	check_value(flagp_conf_first(conf, "compress.zlib-ng"), "mysvc.ini",
		    12, false);
	check_value(flagp_conf_first(conf, "compress.zlib-ng") + 1,
		    "mysvc.d/10-package.ini", 5, true);
	check_value(flagp_conf_last(conf, "compress.zlib-ng"),
		    "mysvc.d/20-site.ini", 3, false);
	check_value(flagp_conf_last(conf, "parser.fast"),
		    "mysvc.d/10-package.ini", 2, true);
	check_value(flagp_conf_last(conf, "cache.arc"), "mysvc.d/20-site.ini",
		    6, true);
	ck_assert_ptr_null(flagp_conf_last(conf, "search_simd"));
	ck_assert_uint_eq(conf->skipped_count, 2);
	ck_assert_str_eq(conf->skipped[0].section, "service");
	ck_assert_uint_eq(conf->skipped[0].line, 4);
	ck_assert_str_eq(conf->skipped[1].section, "breaker:cache");
	ck_assert_str_eq(conf->skipped[1].file, "mysvc.ini");
	flagp_conf_free(conf);
	close(directory);
}
END_TEST

START_TEST(nothing_there_is_an_empty_set)
{
	int directory = make_folder();
	struct conf *conf = read_good(-1);

	ck_assert_uint_eq(conf->count + conf->files, 0);
	ck_assert_uint_eq(conf->digest, 0);
	ck_assert_uint_eq(conf->signature, flagp_conf_signature(-1, "mysvc"));
	flagp_conf_free(conf);
	conf = read_good(directory);
	ck_assert_uint_eq(conf->count + conf->files, 0);
	ck_assert_uint_eq(conf->digest, 0);
	flagp_conf_free(conf);
	put(directory, "mysvc.ini", "");
	conf = read_good(directory);
	ck_assert_uint_eq(conf->count, 0);
	ck_assert_uint_eq(conf->files, 1);
	ck_assert_uint_ne(conf->digest, 0);
	flagp_conf_free(conf);
	remove_folder(directory);
}
END_TEST

START_TEST(dropins_without_a_main_file)
{
	int directory = make_folder();
	struct conf *conf;

	put_good(directory);
	ck_assert_int_eq(unlinkat(directory, "mysvc.ini", 0), 0);
	conf = read_good(directory);
	ck_assert_uint_eq(conf->files, 2);
	ck_assert_uint_eq(conf->count, 2);
	check_value(flagp_conf_last(conf, "b"), "mysvc.d/10-x.ini", 2, false);
	flagp_conf_free(conf);
	remove_folder(directory);
}
END_TEST

START_TEST(service_name_that_cannot_be)
{
	int directory = make_folder();
	struct flag_error error = { 0 };

	ck_assert_ptr_null(flagp_conf_read(directory, "../mysvc", &error));
	ck_assert_int_eq(error.code, FLAG_EINVAL);
	ck_assert_uint_eq(flagp_conf_signature(directory, "../mysvc"), 0);
	remove_folder(directory);
}
END_TEST

/* Bytes, not a language's rules: digits, capitals, '_', small letters. */
START_TEST(dropins_are_read_in_byte_order)
{
	static const char *const names[] = {
		"9.ini", "b.ini", "Z.ini", "a_b.ini", "10.ini", "a-b.ini",
		"aB.ini", "a.ini", "a.b.ini",
	};
	static const char *const order[] = {
		"10.ini", "9.ini", "Z.ini", "a-b.ini", "a.b.ini", "a.ini",
		"aB.ini", "a_b.ini", "b.ini",
	};
	int directory = make_folder();
	const struct conf_value *value;
	struct conf *conf;
	char path[64];

	ck_assert_int_eq(mkdirat(directory, "mysvc.d", 0755), 0);
	for (size_t i = 0; i < FLAGP_COUNT(names); i++) {
		snprintf(path, sizeof(path), "mysvc.d/%s", names[i]);
		put(directory, path, "[a]\nstate = on\n");
	}
	conf = read_good(directory);
	ck_assert_uint_eq(conf->count, FLAGP_COUNT(order));
	value = flagp_conf_first(conf, "a");
	for (size_t i = 0; i < FLAGP_COUNT(order); i++)
		ck_assert_str_eq(value[i].file + strlen("mysvc.d/"), order[i]);
	flagp_conf_free(conf);
	remove_folder(directory);
}
END_TEST

START_TEST(what_is_no_dropin_is_not_looked_at)
{
	static const char *const names[] = {
		"10-x.ini~", ".10-x.ini.swp", ".hidden.ini", ".ini", "4913",
		"README", "..data", "-x.ini", "_x.ini", "a b.ini", "a.INI",
		"a.ini.rpmsave", "a\nb.ini", "ini", "\xc3\xbc.ini", "a.conf",
	};
	int directory = make_folder();
	struct conf *conf;
	uint64_t digest;
	char path[64];

	put_good(directory);
	conf = read_good(directory);
	digest = conf->digest;
	flagp_conf_free(conf);
	for (size_t i = 0; i < FLAGP_COUNT(names); i++) {
		snprintf(path, sizeof(path), "mysvc.d/%s", names[i]);
		put(directory, path, "[a\n");
	}
	ck_assert_int_eq(mkfifoat(directory, "mysvc.d/fifo", 0644), 0);
	put(directory, "other.ini", "[a\n");
	conf = read_good(directory);
	ck_assert_uint_eq(conf->files, 3);
	ck_assert_uint_eq(conf->digest, digest);
	flagp_conf_free(conf);
	remove_folder(directory);
}
END_TEST

START_TEST(one_bad_file_of_three_refuses_all)
{
	int directory = make_folder();
	struct flag_error error = { 0 };

	put_good(directory);
	put(directory, "mysvc.d/10-x.ini", "[b]\n\nstate = perhaps\n");
	ck_assert_ptr_null(flagp_conf_read(directory, "mysvc", &error));
	ck_assert_int_eq(error.code, FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "mysvc.d/10-x.ini");
	ck_assert_uint_eq(error.line, 3);
	ck_assert_str_eq(error.text,
			 "[b] state = perhaps: not a state; use on, off or "
			 "0% to 100% in steps of 0.001%");
	remove_folder(directory);
}
END_TEST

#define NOWHERE "cannot be read: it is a link to nothing; link it to a file, " \
	"or remove it"
#define NOT_PERMITTED "cannot be read: not permitted; the service's user has " \
	"to read it"
#define NOT_REGULAR "cannot be read: it is not a regular file, " \
	"which alone is accepted"

/* Each in the place of a drop-in, then of the main file. */
static void
check_unreadable(int directory, int code, const char *text)
{
	read_refused(directory, code, "mysvc.d/10-x.ini", text);
	ck_assert_int_eq(renameat(directory, "mysvc.d/10-x.ini", directory,
				  "mysvc.ini"), 0);
	read_refused(directory, code, "mysvc.ini", text);
	if (unlinkat(directory, "mysvc.ini", 0) != 0)
		ck_assert_int_eq(unlinkat(directory, "mysvc.ini",
					  AT_REMOVEDIR), 0);
}

static int
make_link(int directory, const char *target)
{
	return symlinkat(target, directory, "mysvc.d/10-x.ini");
}

START_TEST(what_cannot_be_read_refuses_the_set)
{
	int directory = make_folder(), file;

	ck_assert_int_eq(mkdirat(directory, "mysvc.d", 0755), 0);
	put(directory, "mysvc.d/20-y.ini", "[c]\nstate = on\n");

	ck_assert_int_eq(mkdirat(directory, "mysvc.d/10-x.ini", 0755), 0);
	check_unreadable(directory, FLAG_EIO, NOT_REGULAR);
	ck_assert_int_eq(mkfifoat(directory, "mysvc.d/10-x.ini", 0644), 0);
	check_unreadable(directory, FLAG_EINVAL, NOT_REGULAR);
	ck_assert_int_eq(make_link(directory, "/dev/zero"), 0);
	check_unreadable(directory, FLAG_EINVAL, NOT_REGULAR);
	ck_assert_int_eq(make_link(directory, "nowhere"), 0);
	check_unreadable(directory, FLAG_ENOENT,
			 NOWHERE);
	/* A link to itself. */
	ck_assert_int_eq(make_link(directory, "10-x.ini"), 0);
	read_refused(directory, FLAG_EIO, "mysvc.d/10-x.ini",
		     "cannot be read: its links lead in a circle; link it to "
		     "a file");
	ck_assert_int_eq(unlinkat(directory, "mysvc.d/10-x.ini", 0), 0);

	file = openat(directory, "mysvc.d/10-x.ini", O_WRONLY | O_CREAT, 0644);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, (off_t)1 << 30), 0);
	close(file);
	check_unreadable(directory, FLAG_EIO,
			 "cannot be read: it is larger than the 16 MiB that "
			 "are accepted");
	flagp_conf_free(read_good(directory));
	remove_folder(directory);
}
END_TEST

/* Rights do not bind root: it becomes nobody for as long as it asks. */
START_TEST(files_without_rights_refuse_the_set)
{
	uid_t user = geteuid();
	int directory = make_folder();

	put_good(directory);
	ck_assert_int_eq(fchmodat(directory, "mysvc.d/10-x.ini", 0, 0), 0);
	ck_assert_int_eq(fchmod(directory, 0755), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	read_refused(directory, FLAG_EACCES, "mysvc.d/10-x.ini",
		     NOT_PERMITTED);
	ck_assert_int_eq(seteuid(user), 0);
	ck_assert_int_eq(fchmodat(directory, "mysvc.d", 0, 0), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	read_refused(directory, FLAG_EACCES, "mysvc.d",
		     NOT_PERMITTED);
	ck_assert_int_eq(seteuid(user), 0);
	ck_assert_int_eq(fchmodat(directory, "mysvc.d", 0755, 0), 0);
	remove_folder(directory);
}
END_TEST

START_TEST(folder_of_dropins_that_is_none)
{
	int directory = make_folder();
	struct conf *conf;

	put(directory, "mysvc.ini", "[a]\nstate = on\n");
	conf = read_good(directory);
	ck_assert_uint_eq(conf->count, 1);
	flagp_conf_free(conf);
	put(directory, "mysvc.d", "");
	read_refused(directory, FLAG_ENOENT, "mysvc.d",
		     "cannot be read: a file stands where a folder has to be");
	ck_assert_int_eq(unlinkat(directory, "mysvc.d", 0), 0);
	ck_assert_int_eq(symlinkat("nowhere", directory, "mysvc.d"), 0);
	read_refused(directory, FLAG_ENOENT, "mysvc.d",
		     NOWHERE);
	remove_folder(directory);
}
END_TEST

START_TEST(number_of_files_is_limited)
{
	int directory = make_folder();
	struct conf *conf;
	char path[64];

	ck_assert_int_eq(mkdirat(directory, "mysvc.d", 0755), 0);
	for (unsigned i = 1; i < CONF_FILES_LIMIT; i++) {
		snprintf(path, sizeof(path), "mysvc.d/%u.ini", i);
		put(directory, path, "[a]\nstate = on\n");
	}
	conf = read_good(directory);
	ck_assert_uint_eq(conf->count, CONF_FILES_LIMIT - 1);
	flagp_conf_free(conf);
	put(directory, "mysvc.d/more.ini", "");
	read_refused(directory, FLAG_EIO, "mysvc.d", "cannot be read: it has "
		     "too many files; at most 255 are accepted");
	ck_assert_uint_eq(flagp_conf_signature(directory, "mysvc"),
			  flagp_conf_signature(directory, "mysvc"));
	remove_folder(directory);
}
END_TEST

static uint64_t
read_digest(int directory)
{
	struct conf *conf = read_good(directory);
	uint64_t digest = conf->digest;

	flagp_conf_free(conf);
	return digest;
}

/* The digest of two texts under their names; of one, if second is NULL. */
static uint64_t
parse_digests(const char *file, const char *text, const char *second,
	      const char *text_of_second)
{
	struct conf conf = { 0 };
	uint64_t digest;

	ck_assert_int_eq(flagp_conf_parse(&conf, file, false, text,
					  strlen(text), NULL), 0);
	if (second != NULL)
		ck_assert_int_eq(flagp_conf_parse(&conf, second, true,
						  text_of_second,
						  strlen(text_of_second),
						  NULL), 0);
	digest = conf.digest;
	flagp_conf_free(&conf);
	return digest;
}

static uint64_t
parse_digest(const char *file, const char *text)
{
	return parse_digests(file, text, NULL, NULL);
}

START_TEST(digest_tells_names_from_bytes)
{
	ck_assert_uint_eq(parse_digest("f", ";\n"), parse_digest("f", ";\n"));
	ck_assert_uint_ne(parse_digest("f", ";\n"), parse_digest("f;", "\n"));
	ck_assert_uint_ne(parse_digest("f", ";\n"), parse_digest("f", ";"));
	ck_assert_uint_ne(parse_digest("f", ";\n"), parse_digest("g", ";\n"));
	ck_assert_uint_ne(parse_digests("f", ";a", "bg", ""),
			  parse_digests("f", ";ab", "g", ""));
}
END_TEST

START_TEST(digest_is_of_names_and_bytes)
{
	int directory = make_folder();
	uint64_t digest;

	put_good(directory);
	digest = read_digest(directory);
	put(directory, "mysvc.ini", "[a]\nstate = on\n[b]\nstate = on\n ");
	ck_assert_uint_ne(read_digest(directory), digest);
	put(directory, "mysvc.ini", "[a]\nstate = on\n[b]\nstate = on\n");
	ck_assert_uint_eq(read_digest(directory), digest);
	ck_assert_int_eq(renameat(directory, "mysvc.d/20-y.ini", directory,
				  "mysvc.d/21-y.ini"), 0);
	ck_assert_uint_ne(read_digest(directory), digest);
	ck_assert_int_eq(renameat(directory, "mysvc.d/21-y.ini", directory,
				  "mysvc.d/20-y.ini"), 0);
	ck_assert_uint_eq(read_digest(directory), digest);
	remove_folder(directory);
}
END_TEST

/* The signature differs from the last one, and a read has the same. */
static void
check_signed_anew(int directory, uint64_t *signature)
{
	uint64_t now = flagp_conf_signature(directory, "mysvc");
	struct conf *conf = read_good(directory);

	ck_assert_uint_ne(now, *signature);
	ck_assert_uint_eq(conf->signature, now);
	ck_assert_uint_eq(flagp_conf_signature(directory, "mysvc"), now);
	flagp_conf_free(conf);
	*signature = now;
}

START_TEST(signature_follows_every_change)
{
	static const struct timespec times[] = { { 1, 0 }, { 1, 1 } };
	int directory = make_folder();
	uint64_t signature = 0;

	check_signed_anew(directory, &signature);
	put_good(directory);
	check_signed_anew(directory, &signature);
	put(directory, "mysvc.ini", "[a]\nstate = off\n");
	check_signed_anew(directory, &signature);
	ck_assert_int_eq(utimensat(directory, "mysvc.d/10-x.ini", times, 0),
			 0);
	check_signed_anew(directory, &signature);
	put(directory, "new", "[a]\nstate = off\n");
	ck_assert_int_eq(renameat(directory, "new", directory, "mysvc.ini"),
			 0);
	check_signed_anew(directory, &signature);
	put(directory, "mysvc.d/30-z.ini", "");
	check_signed_anew(directory, &signature);
	ck_assert_int_eq(renameat(directory, "mysvc.d/30-z.ini", directory,
				  "mysvc.d/15-z.ini"), 0);
	check_signed_anew(directory, &signature);
	ck_assert_int_eq(unlinkat(directory, "mysvc.d/10-x.ini", 0), 0);
	check_signed_anew(directory, &signature);
	ck_assert_int_eq(renameat(directory, "mysvc.d", directory, "old"), 0);
	check_signed_anew(directory, &signature);
	ck_assert_int_eq(unlinkat(directory, "mysvc.ini", 0), 0);
	check_signed_anew(directory, &signature);
	remove_folder(directory);
}
END_TEST

/* Nothing there is in order, something else there is not: whoever compares
 * signatures has to see the difference. */
START_TEST(signature_tells_nothing_from_what_cannot_be_read)
{
	int directory = make_folder();
	uint64_t nothing = flagp_conf_signature(directory, "mysvc");

	put(directory, "mysvc.d", "");
	ck_assert_uint_ne(flagp_conf_signature(directory, "mysvc"), nothing);
	ck_assert_int_eq(unlinkat(directory, "mysvc.d", 0), 0);
	ck_assert_int_eq(symlinkat("nowhere", directory, "mysvc.d"), 0);
	ck_assert_uint_ne(flagp_conf_signature(directory, "mysvc"), nothing);
	ck_assert_int_eq(unlinkat(directory, "mysvc.d", 0), 0);
	ck_assert_int_eq(symlinkat("nowhere", directory, "mysvc.ini"), 0);
	ck_assert_uint_ne(flagp_conf_signature(directory, "mysvc"), nothing);
	ck_assert_int_eq(unlinkat(directory, "mysvc.ini", 0), 0);
	ck_assert_uint_eq(flagp_conf_signature(directory, "mysvc"), nothing);
	remove_folder(directory);
}
END_TEST

/* Empty drop-ins between those that count, so that a read takes its time. */
static void
put_fillers(int directory, const char *name)
{
	char path[64];

	for (unsigned i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "%s/15-%u.ini", name, i);
		put(directory, path, "");
	}
}

/* Two folders: in one all flags are on, in the other all off, and one more. */
static void
put_versions(int directory)
{
	ck_assert_int_eq(mkdirat(directory, "1", 0755), 0);
	put(directory, "1/10-x.ini", "[x]\nstate = on\n");
	put(directory, "1/20-y.ini", "[y]\nstate = on\n");
	ck_assert_int_eq(mkdirat(directory, "2", 0755), 0);
	put(directory, "2/10-x.ini", "[x]\nstate = off\n");
	put(directory, "2/20-y.ini", "[y]\nstate = off\n");
	put(directory, "2/30-z.ini", "[z]\nstate = off\n");
	put_fillers(directory, "1");
	put_fillers(directory, "2");
	ck_assert_int_eq(symlinkat("1", directory, "mysvc.d"), 0);
}

/* Swaps the two, as containers do, until it is killed or alone. */
static void
swap_versions(int directory, pid_t parent)
{
	for (unsigned i = 0; getppid() == parent; i++) {
		if (symlinkat(i % 2 == 0 ? "2" : "1", directory, "new") != 0 ||
		    renameat(directory, "new", directory, "mysvc.d") != 0)
			break;
		usleep(i % 64 == 0 ? 5000 : 50);
	}
	_exit(0);
}

START_TEST(folder_that_is_swapped_is_read_from_one_side)
{
	int directory = make_folder();
	unsigned taken = 0;
	pid_t parent = getpid(), child;

	put_versions(directory);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		swap_versions(directory, parent);
	for (unsigned round = 0; round < 1000; round++) {
		struct flag_error error = { 0 };
		struct conf *conf = flagp_conf_read(directory, "mysvc",
						    &error);

		if (conf == NULL) {
			ck_assert_msg(error.code == FLAG_EAGAIN, "%s: %s",
				      error.file, error.text);
			continue;
		}
		ck_assert_uint_eq(conf->values[0].share, conf->values[1].share);
		ck_assert_uint_eq(conf->count,
				  conf->values[0].share == 0 ? 3 : 2);
		flagp_conf_free(conf);
		taken++;
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_uint_gt(taken, 0);
	flagp_conf_free(read_good(directory));
	remove_folder(directory);
}
END_TEST

/* Replaces a file by one whose value stands in line 2 + number % 3. */
static void
put_number(int directory, const char *name, const char *flag, unsigned number)
{
	char text[64];

	snprintf(text, sizeof(text), "[%s]\n%sstate = on\n", flag,
		 &"\n\n"[2 - number % 3]);
	put(directory, "new", text);
	renameat(directory, "new", directory, name);
}

/* Counts in both files, always in the main file first; a third one comes and
 * goes. */
static void
count_up(int directory, pid_t parent)
{
	put(directory, "waiting", "[z]\nstate = on\n");
	for (unsigned number = 1; getppid() == parent; number++) {
		put_number(directory, "mysvc.ini", "m", number);
		renameat(directory, "waiting", directory, "mysvc.d/z.ini");
		put_number(directory, "mysvc.d/x.ini", "d", number);
		renameat(directory, "mysvc.d/z.ini", directory, "waiting");
		if (number % 64 == 0)
			usleep(5000);
	}
	_exit(0);
}

/* The drop-in never was ahead of the main file, which is read first. */
START_TEST(no_half_of_a_change_is_taken)
{
	int directory = make_folder();
	unsigned taken = 0;
	pid_t parent = getpid(), child;

	ck_assert_int_eq(mkdirat(directory, "mysvc.d", 0755), 0);
	put_number(directory, "mysvc.ini", "m", 0);
	put_number(directory, "mysvc.d/x.ini", "d", 0);
	put_fillers(directory, "mysvc.d");
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		count_up(directory, parent);
	for (unsigned round = 0; round < 1000; round++) {
		struct flag_error error = { 0 };
		struct conf *conf = flagp_conf_read(directory, "mysvc",
						    &error);
		unsigned main_line, line;

		if (conf == NULL) {
			ck_assert_msg(error.code == FLAG_EAGAIN, "%s: %s",
				      error.file, error.text);
			continue;
		}
		main_line = flagp_conf_first(conf, "m")->line;
		line = flagp_conf_first(conf, "d")->line;
		ck_assert_uint_ne((line + 3 - main_line) % 3, 1);
		flagp_conf_free(conf);
		taken++;
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_uint_gt(taken, 0);
	remove_folder(directory);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	int directory = make_folder(), before, after;

	put_good(directory);
	put(directory, "mysvc.d/30-z.ini", "[");
	before = dup(directory);
	close(before);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(flagp_conf_read(directory, "mysvc", NULL));
		flagp_conf_signature(directory, "mysvc");
	}
	ck_assert_int_eq(unlinkat(directory, "mysvc.d/30-z.ini", 0), 0);
	flagp_conf_free(read_good(directory));
	after = dup(directory);
	close(after);
	ck_assert_int_eq(before, after);
	remove_folder(directory);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		main_file_then_dropins,
		nothing_there_is_an_empty_set,
		dropins_without_a_main_file,
		service_name_that_cannot_be,
		dropins_are_read_in_byte_order,
		what_is_no_dropin_is_not_looked_at,
		one_bad_file_of_three_refuses_all,
		what_cannot_be_read_refuses_the_set,
		files_without_rights_refuse_the_set,
		folder_of_dropins_that_is_none,
		number_of_files_is_limited,
		digest_is_of_names_and_bytes,
		digest_tells_names_from_bytes,
		signature_follows_every_change,
		signature_tells_nothing_from_what_cannot_be_read,
		folder_that_is_swapped_is_read_from_one_side,
		no_half_of_a_change_is_taken,
		no_descriptor_is_left_open,
		NULL
	};

	return suite_run("conf_files", tests);
}
