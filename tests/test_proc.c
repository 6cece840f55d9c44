/* SPDX-License-Identifier: MIT */
/*
 * test_proc.c - what a process writes of itself is what others read, and
 * others know whether it still is there.  Owners are forked processes: who
 * looks may not be who registered.
 */
#include "service.h"
#include "suite.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/io.h"

static struct folder folder;
static int slash_proc = -1;

static void
setup(void)
{
	folder = folder_make();
	slash_proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
teardown(void)
{
	folder_remove(&folder);
	close(slash_proc);
}

static struct proc_list
scan(bool flags)
{
	struct proc_list list;

	ck_assert_int_eq(flagp_proc_scan(&list, folder.descriptor, flags), 0);
	return list;
}

/* How the only entry that there is stands; -1: none or more. */
static int
life_of_the_one(void)
{
	struct proc_list list = scan(false);
	int life = list.count == 1 ? (int)list.entries[0].life : -1;

	flagp_proc_free(&list);
	return life;
}

static struct proc_head
own_head(void)
{
	struct proc_head head = {
		.pid = (int)getpid(), .started = 1, .tick_ms = 2,
		.watch = "inotify", .service = "svc", .version = "0.1.0",
		.program = "tester",
	};

	head.start = flagp_proc_start_time(slash_proc, "self/stat");
	return head;
}

/* --- owners -------------------------------------------------------------- */

/* Registers, says 'r', waits until told to end. */
static int
plain_owner(const struct partner *parent, void *data)
{
	struct proc_head head = own_head();

	(void)data;
	NEED(head.start != 0);
	NEED(flagp_proc_create(folder.descriptor, &head) >= 3);
	partner_say(parent, 'r');
	partner_hear(parent);
	return 0;
}

/* Closes what it had after each word it hears. */
static int
closing_owner(const struct partner *parent, void *data)
{
	struct proc_head head = own_head();
	int descriptor = flagp_proc_create(folder.descriptor, &head);

	(void)data;
	NEED(descriptor >= 3);
	partner_say(parent, 'r');
	partner_hear(parent);
	close(descriptor);
	partner_say(parent, 'c');
	partner_hear(parent);
	return 0;
}

/* Has a child that gets copies of all descriptors and ends. */
static int
forking_owner(const struct partner *parent, void *data)
{
	struct proc_head head = own_head();
	int descriptor = flagp_proc_create(folder.descriptor, &head), status;
	pid_t child;

	(void)data;
	NEED(descriptor >= 3);
	child = fork();
	if (child == 0) {
		close(descriptor);
		_exit(0);
	}
	NEED(waitpid(child, &status, 0) == child && status == 0);
	partner_say(parent, 'r');
	partner_hear(parent);
	return 0;
}

/* Registers with a board that it maps; told 'x' it becomes another program,
 * which ends when its standard input does. */
static int
board_owner(const struct partner *parent, void *data)
{
	struct proc_head head = own_head();
	int memory = memfd_create("ripcord:svc", MFD_CLOEXEC);
	struct stat status;

	(void)data;
	NEED(memory >= 0 && ftruncate(memory, 4096) == 0);
	NEED(mmap(NULL, 4096, PROT_READ, MAP_SHARED, memory, 0) != MAP_FAILED);
	NEED(fstat(memory, &status) == 0);
	head.board = status.st_ino;
	memory = flagp_proc_create(folder.descriptor, &head);
	NEED(memory >= 3);
	partner_say(parent, 'r');
	if (partner_hear(parent) != 'x') {
		close(memory);
		partner_say(parent, 'c');
		partner_hear(parent);
		return 0;
	}
	dup2(parent->hears, 0);
	dup2(parent->says, 1);
	execlp("sh", "sh", "-c", "printf e; exec cat >/dev/null",
	       (char *)NULL);
	return 1;
}

/* --- formats ------------------------------------------------------------- */

/* All fields different from zero, none like another. */
static struct proc_head
full_head(void)
{
	struct proc_head head = own_head();

	head.board = 11;
	head.own_cells = true;
	head.driver = PROC_DRIVER_LOOP;
	head.generation = 14;
	head.ack = (struct proc_ack) { 15, 16, 17, 18, 19, 0xfedcba9876543210 };
	head.clean = true;
	head.flags = 2;
	snprintf(head.instance, sizeof(head.instance), "host/svc");
	snprintf(head.environment, sizeof(head.environment), "a=on,b=25%%");
	snprintf(head.error, sizeof(head.error), "svc.ini:3: what = ever: no");
	return head;
}

static const struct proc_flag full_flags[2] = {
	{ "checksum.crc32c", 0x00000a01, UINT32_MAX, true, true, false, 0, 1,
	  "svc.ini:12" },
	{ "b", 0xfffffff0, 0, false, false, true,
	  PROC_TUNABLE(VALUE_STRING), UINT64_MAX,
	  "objects differ in a word" },
};

static int
writing_owner(const struct partner *parent, void *data)
{
	struct proc_head head = full_head();
	char buffer[PROC_LINE];
	int descriptor = flagp_proc_create(folder.descriptor, &head);

	(void)data;
	NEED(descriptor >= 3);
	for (unsigned i = 0; i < 2; i++) {
		flagp_proc_format_flag(&full_flags[i], buffer);
		NEED(pwrite(descriptor, buffer, sizeof(buffer),
			    PROC_HEAD + i * PROC_LINE) == sizeof(buffer));
	}
	partner_say(parent, 'r');
	partner_hear(parent);
	return 0;
}

static void
same_head(const struct proc_head *head, const struct proc_head *want)
{
	ck_assert_uint_eq(head->board, want->board);
	ck_assert(head->own_cells == want->own_cells);
	ck_assert_int_eq(head->driver, want->driver);
	ck_assert_int_eq(head->tick_ms, want->tick_ms);
	ck_assert_int_eq(head->started, want->started);
	ck_assert_uint_eq(head->generation, want->generation);
	ck_assert_mem_eq(&head->ack, &want->ack, sizeof(head->ack));
	ck_assert(head->clean == want->clean);
	ck_assert_str_eq(head->watch, want->watch);
	ck_assert_str_eq(head->service, want->service);
	ck_assert_str_eq(head->version, want->version);
	ck_assert_str_eq(head->program, want->program);
	ck_assert_str_eq(head->instance, want->instance);
	ck_assert_str_eq(head->environment, want->environment);
	ck_assert_uint_eq(head->flags, want->flags);
	ck_assert_str_eq(head->error, want->error);
}

START_TEST(what_an_owner_writes_is_what_others_read)
{
	struct partner owner = partner_start(writing_owner, NULL);
	struct proc_head want = full_head();
	struct proc_list list;

	ck_assert_int_eq(partner_hear(&owner), 'r');
	list = scan(true);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.entries[0].problem, "");
	ck_assert_int_eq(list.entries[0].head.pid, owner.pid);
	same_head(&list.entries[0].head, &want);
	for (int i = 0; i < 2; i++) {
		const struct proc_flag *flag = &list.entries[0].flags[i];

		ck_assert_str_eq(flag->name, full_flags[i].name);
		ck_assert_uint_eq(flag->word, full_flags[i].word);
		ck_assert_uint_eq(flag->threshold, full_flags[i].threshold);
		ck_assert(flag->initial == full_flags[i].initial);
		ck_assert(flag->keys == full_flags[i].keys);
		ck_assert(flag->calls == full_flags[i].calls);
		ck_assert_uint_eq(flag->tunable, full_flags[i].tunable);
		ck_assert_uint_eq(flag->generation, full_flags[i].generation);
		ck_assert_str_eq(flag->source, full_flags[i].source);
	}
	flagp_proc_free(&list);
	ck_assert_int_eq(partner_end(&owner), 0);
}
END_TEST

static void
fill(char *text, size_t size, char with)
{
	memset(text, with, size - 1);
	text[size - 1] = '\0';
}

START_TEST(the_longest_head_fits_and_is_read_back)
{
	struct proc_head head = full_head();
	char buffer[PROC_HEAD + 8];
	struct proc_list list;

	head.start = head.board = head.generation = UINT64_MAX;
	head.started = head.tick_ms = INT64_MAX;
	memset(&head.ack, 0xff, sizeof(head.ack));
	head.flags = 0;
	fill(head.watch, sizeof(head.watch), 'w');
	fill(head.service, sizeof(head.service), 's');
	fill(head.version, sizeof(head.version), 'v');
	fill(head.program, sizeof(head.program), 'p');
	fill(head.instance, sizeof(head.instance), 'i');
	fill(head.environment, sizeof(head.environment), 'e');
	fill(head.error, sizeof(head.error), 'e');
	memset(buffer, 'x', sizeof(buffer));
	flagp_proc_format_head(&head, buffer);
	ck_assert_int_eq(buffer[PROC_HEAD - 1], '\n');
	ck_assert_mem_eq(buffer + PROC_HEAD, "xxxxxxxx", 8);
	folder_put(&folder, "12.34", buffer, PROC_HEAD);
	list = scan(true);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.entries[0].problem, "");
	same_head(&list.entries[0].head, &head);
	flagp_proc_free(&list);
}
END_TEST

START_TEST(the_longest_flag_fits_and_is_read_back)
{
	struct proc_head head = own_head();
	struct proc_flag flag = { .word = UINT32_MAX, .threshold = UINT32_MAX,
				  .initial = true, .keys = true, .calls = true,
				  .generation = UINT64_MAX };
	char buffer[PROC_HEAD + PROC_LINE + 8];
	struct proc_list list;

	head.flags = 1;
	fill(flag.name, sizeof(flag.name), 'n');
	fill(flag.source, sizeof(flag.source), 's');
	memset(buffer, 'x', sizeof(buffer));
	flagp_proc_format_head(&head, buffer);
	flagp_proc_format_flag(&flag, buffer + PROC_HEAD);
	ck_assert_int_eq(buffer[PROC_HEAD + PROC_LINE - 1], '\n');
	ck_assert_mem_eq(buffer + PROC_HEAD + PROC_LINE, "xxxxxxxx", 8);
	ck_assert_mem_eq(buffer + PROC_HEAD + 48,
			 " ffffffff ffffffff 1 03 18446744073709551615 ss", 47);
	folder_put(&folder, "12.34", buffer, PROC_HEAD + PROC_LINE);
	list = scan(true);
	ck_assert_str_eq(list.entries[0].problem, "");
	ck_assert_uint_eq(list.entries[0].head.flags, 1);
	ck_assert_str_eq(list.entries[0].flags[0].name, flag.name);
	ck_assert_str_eq(list.entries[0].flags[0].source, flag.source);
	ck_assert_uint_eq(list.entries[0].flags[0].generation, UINT64_MAX);
	flagp_proc_free(&list);
}
END_TEST

/* Bytes of text that a terminal would obey, newlines apart. */
static unsigned
controls(const char *text, size_t size)
{
	unsigned count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)text[i] < 0x20 && text[i] != '\n') ||
			 text[i] == 0x7f;
	return count;
}

START_TEST(control_characters_break_no_line)
{
	struct proc_head head = own_head();
	struct proc_flag flag = { .name = "a", .source = "off\n\033[2J\x7f" };
	char buffer[PROC_HEAD], line[PROC_LINE];
	unsigned lines = 0, plain = 0;

	flagp_proc_format_head(&head, buffer);
	for (size_t i = 0; i < sizeof(buffer); i++)
		plain += buffer[i] == '\n';
	snprintf(head.error, sizeof(head.error), "a\npid 1\n\033[31m\rb");
	snprintf(head.program, sizeof(head.program), "p\nflags 9");
	flagp_proc_format_head(&head, buffer);
	for (size_t i = 0; i < sizeof(buffer); i++)
		lines += buffer[i] == '\n';
	ck_assert_uint_eq(lines, plain);
	ck_assert_uint_eq(controls(buffer, sizeof(buffer)), 0);
	flagp_proc_format_flag(&flag, line);
	ck_assert_ptr_eq(memchr(line, '\n', sizeof(line)),
			 line + PROC_LINE - 1);
	ck_assert_uint_eq(controls(line, sizeof(line)), 0);
}
END_TEST

/* --- who is there -------------------------------------------------------- */

START_TEST(a_living_owner_is_live_and_a_killed_one_dead)
{
	struct partner owner = partner_start(plain_owner, NULL);

	ck_assert_int_eq(partner_hear(&owner), 'r');
	ck_assert_int_eq(life_of_the_one(), PROC_LIVE);
	kill(owner.pid, SIGKILL);
	ck_assert_int_eq(partner_end(&owner), 1000 + SIGKILL);
	ck_assert_int_eq(life_of_the_one(), PROC_DEAD);
}
END_TEST

START_TEST(a_killed_owner_whom_nobody_has_waited_for_is_dead)
{
	struct partner owner = partner_start(plain_owner, NULL);
	siginfo_t info;

	ck_assert_int_eq(partner_hear(&owner), 'r');
	kill(owner.pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)owner.pid, &info,
				WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(life_of_the_one(), PROC_DEAD);
	partner_end(&owner);
}
END_TEST

START_TEST(an_owner_that_lost_its_lock_is_unlocked_not_dead)
{
	struct partner owner = partner_start(closing_owner, NULL);

	ck_assert_int_eq(partner_hear(&owner), 'r');
	ck_assert_int_eq(life_of_the_one(), PROC_LIVE);
	partner_say(&owner, 'c');
	ck_assert_int_eq(partner_hear(&owner), 'c');
	ck_assert_int_eq(life_of_the_one(), PROC_UNLOCKED);
	ck_assert_int_eq(partner_end(&owner), 0);
	ck_assert_int_eq(life_of_the_one(), PROC_DEAD);
}
END_TEST

START_TEST(an_owner_that_maps_its_board_is_unlocked_not_dead)
{
	struct partner owner = partner_start(board_owner, NULL);

	ck_assert_int_eq(partner_hear(&owner), 'r');
	ck_assert_int_eq(life_of_the_one(), PROC_LIVE);
	partner_say(&owner, 'c');
	ck_assert_int_eq(partner_hear(&owner), 'c');
	ck_assert_int_eq(life_of_the_one(), PROC_UNLOCKED);
	ck_assert_int_eq(partner_end(&owner), 0);
}
END_TEST

START_TEST(an_owner_that_became_another_program_is_dead)
{
	struct partner owner = partner_start(board_owner, NULL);

	ck_assert_int_eq(partner_hear(&owner), 'r');
	partner_say(&owner, 'x');
	ck_assert_int_eq(partner_hear(&owner), 'e');
	ck_assert_int_eq(kill(owner.pid, 0), 0);
	ck_assert_int_eq(life_of_the_one(), PROC_DEAD);
	ck_assert_int_eq(partner_end(&owner), 0);
}
END_TEST

START_TEST(the_lock_outlives_a_child_of_its_owner)
{
	struct partner owner = partner_start(forking_owner, NULL);

	ck_assert_int_eq(partner_hear(&owner), 'r');
	ck_assert_int_eq(life_of_the_one(), PROC_LIVE);
	ck_assert_int_eq(partner_end(&owner), 0);
}
END_TEST

START_TEST(a_process_with_another_start_time_is_not_the_owner)
{
	struct proc_head head = own_head();
	char buffer[PROC_HEAD];

	head.start++;
	flagp_proc_format_head(&head, buffer);
	folder_put(&folder, "1.1", buffer, sizeof(buffer));
	ck_assert_int_eq(life_of_the_one(), PROC_DEAD);
	/* The same without a lock, but with the right time. */
	head.start--;
	flagp_proc_format_head(&head, buffer);
	folder_put(&folder, "1.1", buffer, sizeof(buffer));
	ck_assert_int_eq(life_of_the_one(), PROC_UNLOCKED);
}
END_TEST

/* --- what is not a registration ------------------------------------------ */

static const struct proc_entry *
entry_of(const struct proc_list *list, int pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[i].head.pid == pid)
			return &list->entries[i];
	return NULL;
}

static void
put_odd_files(void)
{
	char head[PROC_HEAD];
	struct proc_head ours = own_head();

	flagp_proc_format_head(&ours, head);
	folder_put(&folder, "999001.1", "garbage\n\001\002", 10);
	folder_put(&folder, "999002.1", head, PROC_HEAD / 2);
	folder_put(&folder, "999003.1", "", 0);
	memcpy(head + 16, "9", 1);	/* ripcord-process 9 */
	folder_put(&folder, "999004.1", head, PROC_HEAD);
	ck_assert_int_eq(symlinkat("nowhere", folder.descriptor, "999005.1"),
			 0);
	ck_assert_int_eq(mkdirat(folder.descriptor, "999006.1", 0755), 0);
	ck_assert_int_eq(mkfifoat(folder.descriptor, "999007.1", 0600), 0);
	folder_put(&folder, ".1.2.tmp", "x", 1);
	folder_put(&folder, "README", "x", 1);
}

START_TEST(what_cannot_be_read_is_told_and_hides_nobody)
{
	struct partner owner = partner_start(plain_owner, NULL);
	const struct proc_entry *entry;
	struct proc_list list;

	ck_assert_int_eq(partner_hear(&owner), 'r');
	put_odd_files();
	list = scan(true);
	ck_assert_uint_eq(list.count, 8);
	for (int pid = 999001; pid <= 999007; pid++) {
		entry = entry_of(&list, pid);
		ck_assert_msg(entry != NULL, "%d is not listed", pid);
		ck_assert_msg(entry->problem[0] != '\0', "%d is in order?",
			      pid);
		ck_assert_int_eq(entry->life, PROC_DEAD);
	}
	entry = entry_of(&list, owner.pid);
	ck_assert_ptr_nonnull(entry);
	ck_assert_int_eq(entry->life, PROC_LIVE);
	ck_assert_str_eq(entry->problem, "");
	for (size_t i = 1; i < list.count; i++)
		ck_assert_int_lt(list.entries[i - 1].head.pid,
				 list.entries[i].head.pid);
	flagp_proc_free(&list);
	ck_assert_int_eq(partner_end(&owner), 0);
}
END_TEST

START_TEST(lines_that_are_missing_or_broken_are_told)
{
	struct proc_head head = own_head();
	char buffer[PROC_HEAD + 2 * PROC_LINE];
	struct proc_list list;

	head.flags = 50;
	flagp_proc_format_head(&head, buffer);
	flagp_proc_format_flag(&full_flags[0], buffer + PROC_HEAD);
	memset(buffer + PROC_HEAD + PROC_LINE, '!', PROC_LINE);
	folder_put(&folder, "1.1", buffer, sizeof(buffer));
	list = scan(true);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.entries[0].head.flags, 1);
	ck_assert_str_eq(list.entries[0].flags[0].name, "checksum.crc32c");
	ck_assert_str_ne(list.entries[0].problem, "");
	flagp_proc_free(&list);
	/* A file that ends before its head says so. */
	folder_put(&folder, "1.1", buffer, PROC_HEAD + PROC_LINE + 7);
	list = scan(true);
	ck_assert_uint_eq(list.entries[0].head.flags, 1);
	ck_assert_str_eq(list.entries[0].problem, "");
	flagp_proc_free(&list);
}
END_TEST

START_TEST(many_entries_are_all_listed)
{
	char name[32], buffer[PROC_HEAD];
	struct proc_head head = own_head();
	struct proc_list list;

	for (int i = 0; i < 100; i++) {
		head.pid = 1000000 + i;
		flagp_proc_format_head(&head, buffer);
		snprintf(name, sizeof(name), "%d.7", head.pid);
		folder_put(&folder, name, buffer, sizeof(buffer));
	}
	list = scan(false);
	ck_assert_uint_eq(list.count, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(list.entries[i].head.pid, 1000000 + i);
	flagp_proc_free(&list);
}
END_TEST

/* --- creating ------------------------------------------------------------ */

START_TEST(a_registration_replaces_what_a_dead_one_left)
{
	struct proc_head head = own_head();
	char name[64];
	struct stat status;
	int descriptor;

	snprintf(name, sizeof(name), ".%d.%llu.tmp", head.pid,
		 (unsigned long long)head.start);
	folder_put(&folder, name, "left", 4);
	folder_put(&folder, name + 1, "x", 1);
	descriptor = flagp_proc_create(folder.descriptor, &head);
	ck_assert_int_ge(descriptor, 3);
	ck_assert_uint_eq(folder_count(&folder), 2);
	ck_assert_int_eq(fstat(descriptor, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0660);
	ck_assert_int_eq(status.st_size, PROC_HEAD);
	ck_assert_int_eq(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
	flagp_proc_remove(folder.descriptor, &head);
	ck_assert_uint_eq(folder_count(&folder), 1);
	close(descriptor);
}
END_TEST

START_TEST(without_a_directory_there_is_no_registration)
{
	struct proc_head head = own_head();
	struct proc_list list;

	ck_assert_int_eq(flagp_proc_create(-1, &head), -ENOENT);
	ck_assert_int_lt(flagp_proc_scan(&list, -1, false), 0);
	flagp_proc_remove(-1, &head);
}
END_TEST

START_TEST(a_program_name_with_parentheses_hides_no_start_time)
{
	static const char text[] = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 11 12 13 "
				   "14 15 16 17 18 4711 20\n";

	folder_put(&folder, "stat", text, strlen(text));
	ck_assert_uint_eq(flagp_proc_start_time(folder.descriptor, "stat"),
			  4711);
	folder_put(&folder, "stat", "7 (a) R 1 2", 11);
	ck_assert_uint_eq(flagp_proc_start_time(folder.descriptor, "stat"), 0);
	ck_assert_uint_eq(flagp_proc_start_time(folder.descriptor, "none"), 0);
	ck_assert_uint_eq(flagp_proc_start_time(-1, "stat"), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_an_owner_writes_is_what_others_read,
		the_longest_head_fits_and_is_read_back,
		the_longest_flag_fits_and_is_read_back,
		control_characters_break_no_line,
		a_living_owner_is_live_and_a_killed_one_dead,
		a_killed_owner_whom_nobody_has_waited_for_is_dead,
		an_owner_that_lost_its_lock_is_unlocked_not_dead,
		an_owner_that_maps_its_board_is_unlocked_not_dead,
		an_owner_that_became_another_program_is_dead,
		the_lock_outlives_a_child_of_its_owner,
		a_process_with_another_start_time_is_not_the_owner,
		what_cannot_be_read_is_told_and_hides_nobody,
		lines_that_are_missing_or_broken_are_told,
		many_entries_are_all_listed,
		a_registration_replaces_what_a_dead_one_left,
		without_a_directory_there_is_no_registration,
		a_program_name_with_parentheses_hides_no_start_time,
		NULL
	};

	return suite_run_with("proc", tests, setup, teardown);
}
