/* SPDX-License-Identifier: MIT */
/*
 * ripcord.h - run-time flags for C services.
 *
 * An optimization stands behind a flag.  Off is the arm that is trusted, on
 * is the optimized one.  A flag is flipped while the service runs, from an
 * ini file or with flagctl, without a restart:
 *
 *	FLAG_DEFINE(fast_crc, "checksum.crc32c", "hardware CRC32C");
 *
 *	int main(void)
 *	{
 *		struct flag_error err;
 *
 *		flag_start("mysvc", NULL, &err);
 *		...
 *		if (flag_enabled(&fast_crc))
 *			crc = crc_hardware(p, n);
 *		else
 *			crc = crc_table(p, n);
 *
 * Reading.  A flag is 64 bits in a section of its own.  flag_enabled() is one
 * load and one branch.  It may be called at any time: before flag_start(),
 * after flag_stop(), in a signal handler, in a forked child.  It never fails;
 * unknown, unloaded or broken configuration means the compiled default.
 *
 * Threads.  Every function says under "Threads" who may call it: "any" means
 * any thread at any time, "one" means that calls must not overlap.
 *
 * Versions.  Structures that the caller fills start with their size; fields
 * are appended, never moved.  A program built with this header works with
 * every later library of the same soname.
 *
 * -DFLAG_STUB makes this header stand alone: nothing to link, every flag is
 * its compiled default and every call succeeds.
 */
#ifndef RIPCORD_H
#define RIPCORD_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* The release of this header; flag_version() tells that of the library. */
#define FLAG_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* Codes.  Functions return 0 or the negative of one of these. */
enum flag_code {
	FLAG_ENOMEM = ENOMEM,		/* out of memory */
	FLAG_EINVAL = EINVAL,		/* an argument that cannot be */
	FLAG_EEXIST = EEXIST,		/* started under another name */
	FLAG_EACCES = EACCES,		/* not permitted */
	FLAG_ENOENT = ENOENT,		/* not there */
	FLAG_EBUSY = EBUSY,		/* a lock was not free in time */
	FLAG_EIO = EIO,			/* reading or writing failed */
	FLAG_EAGAIN = EAGAIN,		/* not started, or already stopped */
	FLAG_ECONFIG = 1001,		/* the configuration was refused */
	FLAG_EDIRECTORY = 1002		/* state or run directory not usable */
};

/* How an arm ended: the second argument of flag_end(). */
enum flag_outcome {
	FLAG_OK = 0,			/* the call did what it should */
	FLAG_FAILED = 1,		/* it did not */
	FLAG_NEUTRAL = 2		/* says nothing: the client left */
};

/*
 * A flag.  Two halves of one aligned 64-bit cell; the library changes both in
 * one compare-and-swap.  Bit 0 of state is the answer of flag_enabled().
 * W: drivers of the fork family, trips (core/board.c).  R: any.  Order:
 * relaxed; a flag orders no other memory.
 */
struct flag {
	uint32_t state;
	uint32_t threshold;
} __attribute__((__aligned__(8)));

/*
 * What a definition says of its flag.  Made by FLAG_DEFINE, read by the
 * library.  size and version tell which header it was compiled with.
 */
struct flag_definition {
	uint32_t size;
	uint32_t version;
	struct flag *cell;
	const char *name;
	const char *summary;
	const char *owner;		/* NULL: not named */
	uint32_t bits;			/* FLAG_INITIAL_ON, FLAG_QUIESCE */
	uint32_t reserved;
};

/* Bits for FLAG_DEFINE_WITH. */
#define FLAG_INITIAL_ON 1u	/* compiled default is on, not off */
#define FLAG_QUIESCE 2u		/* reserved: prove that nobody is inside */
#define FLAG_TUNABLE_ 0x100u	/* a struct flag_tunable_definition */

/*
 * Tunables: values with a type, a unit and a range.  Read like a variable,
 * set by the configuration, "value = 64M".  value: W drivers of this process;
 * R any; relaxed.  number: W the library, once; R any.
 */
struct flag_bool { int64_t value; uint32_t number, reserved; };
struct flag_int64 { int64_t value; uint32_t number, reserved; };
struct flag_double { double value; uint32_t number, reserved; };
struct flag_duration { int64_t value; uint32_t number, reserved; };
struct flag_size { uint64_t value; uint32_t number, reserved; };
struct flag_string { const char *initial; uint32_t number, reserved; };

enum flag_type {
	FLAG_TYPE_BOOL = 0,		/* on | off */
	FLAG_TYPE_INT64 = 1,		/* 42, -7 */
	FLAG_TYPE_DOUBLE = 2,		/* 0.5, 1e-6 */
	FLAG_TYPE_DURATION = 3,		/* 90s, 250us; nanoseconds */
	FLAG_TYPE_SIZE = 4,		/* 4096, 64M; bytes */
	FLAG_TYPE_STRING = 5		/* text, its size in bytes limited */
};

/* What the definition of a tunable says.  initial, low and high: in integers,
 * for a double in reals; of a string, initial is in text. */
struct flag_tunable_definition {
	struct flag_definition definition;	/* bits: FLAG_TUNABLE_ */
	enum flag_type type;
	uint32_t reserved;
	void *tunable;
	int64_t integers[3];
	double reals[3];
	const char *text;
};

/* One timed or counted run of an arm.  Fields belong to the library. */
struct flag_span {
	struct flag *flag;
	uint32_t on;
	uint32_t word;
	uint64_t reserved[6];
};

/* One view (flag_view_begin).  Fields belong to the library. */
struct flag_view {
	const struct flag_view_table_ *table;
	uint32_t slot, states;		/* states: that may be believed */
	uint64_t reserved[2];
};

/* What went wrong.  Filled by the first failure; the caller owns it. */
struct flag_error {
	int code;			/* 0, or a positive flag_code */
	unsigned line;			/* 0: no line */
	char file[256];			/* "": no file */
	char text[512];			/* one line, no newline at its end */
};

/* What keeps a process up to date. */
enum flag_driver {
	FLAG_DRIVER_THREAD = 0,		/* one thread, all signals blocked */
	FLAG_DRIVER_LOOP = 1		/* the host calls flag_tick() */
};

/* Which family shares the cells. */
enum flag_board {
	FLAG_SHARED = 0,		/* shared with every forked child */
	FLAG_PRIVATE = 1		/* each process has its own */
};

/* What the fork handler does in the child. */
enum flag_fork {
	FLAG_FORK_REGISTER = 0,		/* register the child at once */
	FLAG_FORK_FOLLOW = 1		/* only at flag_child() */
};

/*
 * Receives one line of text, without a newline, each time there is something
 * to tell.  level is one of syslog's (LOG_ERR 3, LOG_WARNING 4, LOG_NOTICE 5,
 * LOG_INFO 6).  Called with no lock held, from the driver or from the thread
 * that called the library.
 */
typedef void flag_log_fn(void *data, int level, const char *text);

/* What a listener is told. */
enum flag_event_kind {
	FLAG_CHANGED = 0,		/* a flag's share is another one */
	FLAG_TRIPPED = 1,		/* a trip turned it off */
	FLAG_UNTRIPPED = 2,		/* that trip is gone */
	FLAG_RELOAD_FAILED = 3,		/* text: file, line, what and why */
	FLAG_BLIND = 4,			/* reserved */
	FLAG_BREAKER_MOVED = 5		/* reserved */
};

/* One event; it lasts as long as the call.  Fields are appended. */
struct flag_event {
	uint32_t size;
	enum flag_event_kind kind;
	struct flag *flag;		/* NULL: not of one flag */
	const char *name;		/* of the flag, or "" */
	const char *text;		/* what decides, or what failed */
	uint32_t before, after;		/* shares, FLAG_SHARE_ALL is all */
	uint64_t generation;		/* of the change; 0: by files */
};
#define FLAG_SHARE_ALL 100000u		/* a share of 100 %, in 0.001 % */

/* Called with no lock held, from the driver or from the thread that called
 * the library.  It may call the library, but not flag_stop(). */
typedef void flag_listen_fn(void *data, const struct flag_event *event);

/* How to start.  Initialize with FLAG_OPTIONS_INIT, then set fields. */
struct flag_options {
	uint32_t size;			/* sizeof(struct flag_options) */
	enum flag_driver driver;
	enum flag_board board;
	enum flag_fork fork;
	int sighup;			/* 1: reload on SIGHUP, chained */
	const char *root;		/* NULL, or one folder for all files */
	const char *instance;		/* NULL: host name and service */
	flag_log_fn *log;		/* NULL: say nothing */
	void *log_data;
	int environment;		/* 1: RIPCORD_FLAGS, RIPCORD_INSTANCE */
	int reserved;
};

#define FLAG_OPTIONS_INIT \
	{ (uint32_t)sizeof(struct flag_options), FLAG_DRIVER_THREAD, \
	  FLAG_SHARED, FLAG_FORK_REGISTER, 0, NULL, NULL, NULL, NULL, 0, 0 }

#if defined(__has_attribute)
#if __has_attribute(__retain__)
#define FLAG_RETAIN_ __attribute__((__retain__))
#define FLAG_RETAIN_LETTER_ "R"
#endif
#endif
#ifndef FLAG_RETAIN_
#define FLAG_RETAIN_
#define FLAG_RETAIN_LETTER_ ""
#endif

#define FLAG_HIDDEN_ __attribute__((__visibility__("hidden")))
#define FLAG_MUST_CHECK_ __attribute__((__warn_unused_result__))

/* The header's own version of struct flag_definition and flag_object. */
#define FLAG_ABI_ 1

/*
 * FLAG_DECLARE(id): names a flag that another file of the same linked object
 * defines.  A flag belongs to one executable or shared object; two objects
 * that use the same flag name each define it and are flipped together.
 */
#define FLAG_DECLARE(id) extern struct flag id FLAG_HIDDEN_

/*
 * FLAG_DEFINE(id, "name", "summary"): defines a flag, at file scope.  Names
 * are [A-Za-z0-9][A-Za-z0-9_.-]*, at most 48 characters.
 *
 * FLAG_DEFINE_WITH(id, "name", "summary", bits, "owner") adds FLAG_INITIAL_ON
 * or FLAG_QUIESCE (or 0) and whom to ask (or NULL).
 */
#define FLAG_DEFINE(id, name, summary) \
	FLAG_DEFINE_WITH(id, name, summary, 0u, NULL)

/*
 * FLAG_SIZE(cache_bytes, "cache.bytes", 64 << 20, 1 << 20, 1 << 30,
 *	     "bytes of the result cache"): defines a tunable, at file scope:
 * its compiled default, the least and the greatest value, both allowed, and
 * what it is for.  Names are those of flags; so are the rules for objects.
 * A duration is in nanoseconds.  A string has the greatest size in bytes
 * instead of a range, and a bool has none.
 *
 * FLAG_DECLARE_TUNABLE(size, cache_bytes): names one that another file of the
 * same linked object defines.
 */
#define FLAG_BOOL(id, name, initial, summary) \
	FLAG_DEFINE_TUNABLE_(struct flag_bool, FLAG_TYPE_BOOL, id, \
		(initial) ? 1 : 0, name, summary, \
		(initial) ? 1 : 0, 0, 1, 0, 0, 0, NULL)
#define FLAG_INT64(id, name, initial, low, high, summary) \
	FLAG_DEFINE_TUNABLE_(struct flag_int64, FLAG_TYPE_INT64, id, \
		initial, name, summary, initial, low, high, 0, 0, 0, NULL)
#define FLAG_DOUBLE(id, name, initial, low, high, summary) \
	FLAG_DEFINE_TUNABLE_(struct flag_double, FLAG_TYPE_DOUBLE, id, \
		initial, name, summary, 0, 0, 0, initial, low, high, NULL)
#define FLAG_DURATION(id, name, initial, low, high, summary) \
	FLAG_DEFINE_TUNABLE_(struct flag_duration, FLAG_TYPE_DURATION, id, \
		initial, name, summary, initial, low, high, 0, 0, 0, NULL)
#define FLAG_SIZE(id, name, initial, low, high, summary) \
	FLAG_DEFINE_TUNABLE_(struct flag_size, FLAG_TYPE_SIZE, id, \
		initial, name, summary, (int64_t)(initial), (int64_t)(low), \
		(int64_t)(high), 0, 0, 0, NULL)
#define FLAG_STRING(id, name, initial, size, summary) \
	FLAG_DEFINE_TUNABLE_(struct flag_string, FLAG_TYPE_STRING, id, \
		initial, name, summary, 0, 0, size, 0, 0, 0, initial)

#define FLAG_DECLARE_TUNABLE(type, id) \
	extern struct flag_##type id FLAG_HIDDEN_

#ifndef FLAG_STUB

#define FLAG_DEFINE_TUNABLE_(type, code, id, value_, name_, summary_, \
			     i0, i1, i2, r0, r1, r2, text_) \
	extern type id FLAG_HIDDEN_; \
	type id = { value_, 0u, 0u }; \
	static const struct flag_tunable_definition id##_flag_definition = { \
		{ (uint32_t)sizeof(struct flag_tunable_definition), FLAG_ABI_, \
		  NULL, name_, summary_, NULL, FLAG_TUNABLE_, 0u }, \
		code, 0u, &id, { i0, i1, i2 }, { r0, r1, r2 }, text_ }; \
	static const struct flag_definition *id##_flag_index \
		__attribute__((__section__("flag_index"), __used__)) \
		FLAG_RETAIN_ = &id##_flag_definition.definition

#define FLAG_DEFINE_WITH(id, name_, summary_, bits_, owner_) \
	FLAG_DECLARE(id); \
	struct flag id __attribute__((__section__("flag_words"), __used__)) \
		FLAG_RETAIN_ = { ((bits_) & FLAG_INITIAL_ON) ? 1u : 0u, 0u }; \
	static const struct flag_definition id##_flag_definition = { \
		(uint32_t)sizeof(struct flag_definition), FLAG_ABI_, &id, \
		name_, summary_, owner_, bits_, 0u }; \
	static const struct flag_definition *id##_flag_index \
		__attribute__((__section__("flag_index"), __used__)) \
		FLAG_RETAIN_ = &id##_flag_definition

/*
 * The cells of one linked object stand on pages of their own, so that
 * flag_start() can put a shared mapping under them where they are.  Section
 * flag_words lies between two page-aligned pads; the linker keeps sections
 * that it does not know in the order in which an object file first names
 * them.  COMDAT: one copy of the pads in a linked object; the groups are not
 * called like their sections, or lld would take both for one.  No label inside,
 * or link-time optimization would define it twice.
 */
#if defined(__x86_64__) || defined(__i386__)
#define FLAG_PAGE_ 4096
#define FLAG_PAGE_TEXT_ "4096"
#else
#define FLAG_PAGE_ 65536
#define FLAG_PAGE_TEXT_ "65536"
#endif

#ifndef FLAG_LIBRARY_
__asm__(".ifndef .Lflag_sections\n"
	".set .Lflag_sections, 1\n"
	".pushsection flag_pad_head,\"awG" FLAG_RETAIN_LETTER_
	"\",%progbits,flag_head,comdat\n"
	".balign " FLAG_PAGE_TEXT_ "\n"
	".zero " FLAG_PAGE_TEXT_ "\n"
	".popsection\n"
	".pushsection flag_words,\"aw" FLAG_RETAIN_LETTER_ "\",%progbits\n"
	".balign 8\n"
	".popsection\n"
	".pushsection flag_pad_tail,\"awG" FLAG_RETAIN_LETTER_
	"\",%progbits,flag_tail,comdat\n"
	".balign " FLAG_PAGE_TEXT_ "\n"
	".zero " FLAG_PAGE_TEXT_ "\n"
	".popsection\n"
	".endif\n");
#endif

/*
 * One executable or shared object that defines flags.  The library keeps a
 * pointer to it; a constructor hands it over before main().
 */
struct flag_object {
	uint32_t size;
	uint32_t version;
	struct flag *words, *words_end;
	unsigned char *pad_tail;	/* NULL: unknown, cells stay private */
	const struct flag_definition **index, **index_end;
	void *reserved[2];
	uint32_t *first;		/* where its first cell's number goes */
};

/* Registers the flags of one linked object.  Called by the constructor below
 * and by nobody else.  Threads: any.  Blocks: never.  Since: 0.1. */
void flag_register(struct flag_object *object);

#ifndef FLAG_LIBRARY_	/* the library and flagctl define no flags */
extern struct flag __start_flag_words[] __attribute__((__weak__)) FLAG_HIDDEN_;
extern struct flag __stop_flag_words[] __attribute__((__weak__)) FLAG_HIDDEN_;
extern unsigned char __start_flag_pad_tail[]
	__attribute__((__weak__)) FLAG_HIDDEN_;
extern const struct flag_definition *__start_flag_index[]
	__attribute__((__weak__)) FLAG_HIDDEN_;
extern const struct flag_definition *__stop_flag_index[]
	__attribute__((__weak__)) FLAG_HIDDEN_;

/* Weak and hidden: however many files include this header, one linked object
 * registers itself once; the library ignores a second call. */
struct flag_object flag_this_object __attribute__((__weak__)) FLAG_HIDDEN_ = {
	(uint32_t)sizeof(struct flag_object), FLAG_ABI_, NULL, NULL, NULL,
	NULL, NULL, { NULL, NULL }, NULL };

/* The number of this object's first cell in the tables of views; the library
 * sets it, once.  Beside flag_this_object, which in an object that also holds
 * code of an older header may be the shorter one of that. */
uint32_t flag_this_object_first __attribute__((__weak__)) FLAG_HIDDEN_ =
	UINT32_MAX;

static void flag_register_this_object(void)
	__attribute__((__constructor__, __used__));

static void flag_register_this_object(void)
{
	struct flag_object *o = &flag_this_object;

	if (o->words != NULL || __start_flag_index == NULL)
		return;
	o->words = __start_flag_words;
	o->words_end = __stop_flag_words;
	o->pad_tail = __start_flag_pad_tail;
	o->index = __start_flag_index;
	o->index_end = __stop_flag_index;
	if (o->size >= sizeof(struct flag_object))
		o->first = &flag_this_object_first;
	flag_register(o);
}
#endif

#ifndef FLAG_INLINE
#define FLAG_INLINE static __inline__ __attribute__((__unused__))
#endif

/*
 * Tells whether the optimized arm is chosen.
 *
 * One load and one branch; on x86-64 a test with memory, which also keeps the
 * compiler from moving the read out of a loop.
 *
 * Returns: 1 on, 0 off.  Threads: any, also in signal handlers.
 * Blocks: never.  Since: 0.1.
 */
FLAG_INLINE int flag_enabled(const struct flag *flag)
{
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
	int on;

	__asm__ __volatile__("testb $1, %1" : "=@ccnz"(on) : "m"(flag->state));
	return on;
#else
	const volatile uint32_t *word = &flag->state;

	return (int)(__atomic_load_n(word, __ATOMIC_RELAXED) & 1u);
#endif
}

/*
 * The value of a tunable, its compiled default before flag_start() and where
 * no file says otherwise.  One load.  A duration is in nanoseconds, a size in
 * bytes.  In a forked child, values are those of the fork until its own driver
 * has started (flag_child); flags follow the family at once.
 *
 * Returns: a value within its range.  Threads: any, also in signal handlers.
 * Blocks: never.  Since: 0.1.
 */
FLAG_INLINE int flag_bool(const struct flag_bool *tunable)
{
	return __atomic_load_n(&tunable->value, __ATOMIC_RELAXED) != 0;
}
FLAG_INLINE int64_t flag_int64(const struct flag_int64 *tunable)
{
	return __atomic_load_n(&tunable->value, __ATOMIC_RELAXED);
}
FLAG_INLINE double flag_double(const struct flag_double *tunable)
{
	double value;

	__atomic_load(&tunable->value, &value, __ATOMIC_RELAXED);
	return value;
}
FLAG_INLINE int64_t flag_duration(const struct flag_duration *tunable)
{
	return __atomic_load_n(&tunable->value, __ATOMIC_RELAXED);
}
FLAG_INLINE uint64_t flag_size(const struct flag_size *tunable)
{
	return __atomic_load_n(&tunable->value, __ATOMIC_RELAXED);
}

/*
 * Copies the text of a string tunable.
 *
 * buffer: size bytes, always ended with a NUL; NULL if size is 0.
 * Returns: length of the whole text, which was cut if >= size.
 * Threads: any.  Blocks: never.  Since: 0.1.
 */
size_t flag_string(const struct flag_string *tunable, char *buffer,
		   size_t size);

/*
 * Chooses the arm for a key: a user, a session, a connection.  The same key
 * gets the same arm everywhere, and a share that grows takes nobody's arm
 * away.  Without a percentage in force the answer is that of flag_enabled(),
 * whatever the key.
 *
 * key: size bytes, which may be 0; key NULL is no key: while a percentage is
 * in force it gets the baseline.  _str: a string.  _id: a number, which
 * stands for its decimal digits.
 * Returns: 1 on, 0 off.  Threads: any, also in signal handlers.
 * Blocks: never.  Since: 0.1.  Source: murmur3 (x86, 32 bits, seed 0) of the
 * flag's name and the key, as flagd spreads them from its version 0.15 on.
 */
int flag_enabled_for(const struct flag *flag, const void *key, size_t size);
int flag_enabled_for_str(const struct flag *flag, const char *key);
int flag_enabled_for_id(const struct flag *flag, uint64_t id);

/*
 * Starts the library for one service: reads its files, publishes what they
 * say and starts the driver.
 *
 * service: [A-Za-z0-9][A-Za-z0-9_.-]*, at most 48 characters.  options: NULL
 * for the defaults.  error: NULL, or where to put what went wrong.
 *
 * Call it after daemon(), before forking workers.  A second call with the
 * same name counts, and in a forked child is flag_child(); with another name
 * it is refused.
 *
 * Returns: 0 running; positive: running, but degraded, error says what does
 * not work; negative: compiled defaults only.
 * -FLAG_EINVAL, -FLAG_EEXIST, -FLAG_ENOMEM.  Threads: one.
 * Blocks: disk.  Since: 0.1.
 */
int flag_start(const char *service, const struct flag_options *options,
	       struct flag_error *error);

/*
 * Takes back one flag_start(); the last one ends the driver and the
 * registration.  All flags stay as they are.
 *
 * Threads: any, not from a log function.  Blocks: until the driver has ended
 * what it does.  Since: 0.1.
 */
void flag_stop(void);

/*
 * Tells a forked child that it may now do what a fork handler must not:
 * register if that is still to do, and start its own driver.  A prefork host
 * calls it in each worker, after dropping rights.
 *
 * Returns: like flag_start(); -FLAG_EAGAIN if the parent never started.
 * Threads: one.  Blocks: disk.  Since: 0.1.
 */
int flag_child(struct flag_error *error);

/*
 * Does what is due, for FLAG_DRIVER_LOOP: looks for changes, reads, publishes
 * and acknowledges.  Call it at least four times a second, or when flag_fd()
 * is readable.
 *
 * Returns: milliseconds until it wants to be called again.
 * Threads: one.  Blocks: reading small files.  Since: 0.1.
 */
int flag_tick(void);

/*
 * A descriptor that becomes readable when flag_tick() has something to do;
 * for poll or epoll.  It belongs to the library and to this process: ask
 * again in a child.
 *
 * Returns: a descriptor, or -FLAG_EAGAIN.  Threads: one.
 * Blocks: never.  Since: 0.1.
 */
int flag_fd(void) FLAG_MUST_CHECK_;

/*
 * Reads the configuration now.  All of it is taken or nothing; the last good
 * one stays in force.
 *
 * Returns: 0, or -FLAG_ECONFIG with file, line and text in error,
 * -FLAG_EAGAIN, -FLAG_EBUSY.  Threads: any, not from a log function.
 * Blocks: disk.  Since: 0.1.
 */
int flag_reload(struct flag_error *error);

/*
 * Asks the driver to read the configuration soon.  For hosts that have their
 * own SIGHUP handler.
 *
 * Threads: any, also in signal handlers.  Blocks: never.  Since: 0.1.
 */
void flag_request_reload(void);

/*
 * Finds a flag by name.  An unknown name gets a flag of its own, off until
 * something says otherwise; the answer stays valid for ever.
 *
 * Returns: the flag, never NULL: where a name cannot be, or memory is out,
 * one that is always off.  Threads: any.  Blocks: for other calls of
 * flag_find().  Since: 0.1.
 */
struct flag *flag_find(const char *name);

/*
 * The address of the word whose bit 0 is the answer of flag_enabled(); for
 * bindings that read memory faster than they call C.
 *
 * Returns: an address that stays valid as long as the flag.  Threads: any.
 * Blocks: never.  Since: 0.1.
 */
const volatile uint32_t *flag_word(const struct flag *flag);

/*
 * Chooses the arm for one call and notes it in span.  A percentage is one of
 * calls: each is drawn anew.
 *
 * Returns: 1 for the optimized arm, 0 for the baseline.  Threads: any; a span
 * may be ended by another thread.  Blocks: never.  Since: 0.1.
 */
int flag_begin(struct flag_span *span, struct flag *flag);

/*
 * The same with the arm of a key, as flag_enabled_for() chooses it.
 *
 * Returns: 1 for the optimized arm, 0 for the baseline.  Threads: any; a span
 * may be ended by another thread.  Blocks: never.  Since: 0.1.
 */
int flag_begin_keyed(struct flag_span *span, struct flag *flag,
		     const void *key, size_t size);

/*
 * Ends a span with the outcome of its call.
 *
 * Threads: any.  Blocks: never.  Since: 0.1.
 */
void flag_end(struct flag_span *span, enum flag_outcome outcome);

/*
 * Ends a span as if it had not begun: it is not counted.
 *
 * Threads: any.  Blocks: never.  Since: 0.1.
 */
void flag_cancel(struct flag_span *span);

/*
 * A view: all that one request reads comes from one generation.  What was
 * saved together is seen together, also while files change.
 *
 *	struct flag_view view;
 *
 *	flag_view_begin(&view);
 *	if (flag_view_enabled(&view, &fast_parse))
 *		limit = flag_view_size(&view, &fast_limit);
 *	flag_view_end(&view);
 *
 * A view may last as long as a request does, also over turns of a loop, and
 * may end on another thread: nobody waits for it.  A kill that comes while it
 * is open counts from the next view on.  While another process of the family
 * is ahead of this one, flags are the family's, and values this process's own.
 */

/* One generation: states by number of cell (0: ask the cell, 1 off, 2 on),
 * values by number of tunable, and the board's epochs of which it tells: when
 * it was made, and when it was published.  Fixed while a view has it. */
struct flag_view_table_ {
	uint64_t made, published;
	const unsigned char *states;
	const uint64_t *values;
	uint32_t state_count, value_count;
};

/* W: drivers, under a lock; R: any, current with acquire. */
struct flag_views_ {
	uint32_t current;
	uint32_t reserved;
	const uint64_t *epoch;		/* of the board */
	struct flag_view_table_ tables[4];
};

/* One thread's books: views begun and ended by it.  W: that thread, and the
 * fork handler in a child; R: also drivers, which order it by membarrier(2). */
struct flag_view_thread_ {
	struct flag_views_ *views;
	uint64_t in[5], out[5];		/* the last: out of memory */
};
extern __thread struct flag_view_thread_ *flag_view_thread_
	__attribute__((__tls_model__("initial-exec")));

/* What flag_view_begin() and flag_view_end() do where a thread has no books
 * yet.  Threads: any.  Blocks: never.  Since: 0.1. */
void flag_view_begin_slow_(struct flag_view *view);
void flag_view_end_slow_(struct flag_view *view);

/*
 * Begins a view.
 *
 * Threads: any, not in signal handlers.  Blocks: never; the first of a thread
 * allocates.  Since: 0.1.
 */
FLAG_INLINE void flag_view_begin(struct flag_view *view)
{
	struct flag_view_thread_ *me = flag_view_thread_;
	const struct flag_view_table_ *table;
	const struct flag_views_ *views;
	const uint64_t *epoch;
	uint64_t now;
	uint32_t slot, states;

	if (me == NULL) {
		flag_view_begin_slow_(view);
		return;
	}
	views = me->views;
	for (;;) {
		epoch = __atomic_load_n(&views->epoch, __ATOMIC_ACQUIRE);
		now = __atomic_load_n(epoch, __ATOMIC_ACQUIRE);
		slot = __atomic_load_n(&views->current, __ATOMIC_ACQUIRE);
		__atomic_store_n(&me->in[slot], me->in[slot] + 1,
				 __ATOMIC_RELAXED);
		/* The driver's membarrier makes a fence of this one. */
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		/* The table of a slot changes before the epoch does: it is
		 * the one of this epoch. */
		if (__atomic_load_n(&views->current, __ATOMIC_ACQUIRE) ==
		    slot && __atomic_load_n(epoch, __ATOMIC_ACQUIRE) == now)
			break;
		__atomic_store_n(&me->out[slot], me->out[slot] + 1,
				 __ATOMIC_RELEASE);
	}
	table = &views->tables[slot];
	view->table = table;
	/* Atomic, so that the compiler makes no vector of the two: that would
	 * be slow to read back. */
	__atomic_store_n(&view->slot, slot, __ATOMIC_RELAXED);
	/* The family knows more than this process has published: its cells
	 * are newer, and a kill among them must count. */
	states = now == table->published || now == table->made ?
		 table->state_count : 0u;
	__atomic_store_n(&view->states, states, __ATOMIC_RELAXED);
}

/*
 * Ends a view; what flag_view_string() returned is gone.
 *
 * Threads: any, not in signal handlers.  Blocks: never.  Since: 0.1.
 */
FLAG_INLINE void flag_view_end(struct flag_view *view)
{
	struct flag_view_thread_ *me = flag_view_thread_;

	if (me == NULL) {
		flag_view_end_slow_(view);
		return;
	}
	__atomic_store_n(&me->out[view->slot], me->out[view->slot] + 1,
			 __ATOMIC_RELEASE);
}

/* What flag_view_enabled() does for a flag of another linked object, or one
 * that the view's generation does not have.  Returns: 1 on, 0 off.
 * Threads: any.  Blocks: never.  Since: 0.1. */
int flag_view_enabled_slow_(const struct flag_view *view,
			    const struct flag *flag);

/*
 * The same as flag_enabled(), flag_bool(), flag_size(), ... of the view's
 * generation.
 *
 * Returns: what it was in that generation; what was loaded since has its
 * present value.  Threads: any, also several at once.  Blocks: never.
 * Since: 0.1.
 */
FLAG_INLINE int flag_view_enabled(const struct flag_view *view,
				  const struct flag *flag)
{
#ifndef FLAG_LIBRARY_
	size_t at = (size_t)((const char *)flag -
			     (const char *)__start_flag_words);
	size_t size = (size_t)((const char *)__stop_flag_words -
			       (const char *)__start_flag_words);
	size_t number = at / sizeof(struct flag) +
		__atomic_load_n(&flag_this_object_first, __ATOMIC_RELAXED);
	unsigned state;

	if (at < size && number < view->states) {
		state = view->table->states[number];
		if (state != 0)
			return state == 2;
	}
#endif
	return flag_view_enabled_slow_(view, flag);
}
int flag_view_bool(const struct flag_view *view,
		   const struct flag_bool *tunable);
int64_t flag_view_int64(const struct flag_view *view,
			const struct flag_int64 *tunable);
double flag_view_double(const struct flag_view *view,
			const struct flag_double *tunable);
int64_t flag_view_duration(const struct flag_view *view,
			   const struct flag_duration *tunable);
uint64_t flag_view_size(const struct flag_view *view,
			const struct flag_size *tunable);

/*
 * The text of a string tunable, without a copy.
 *
 * Returns: a text that stays until flag_view_end().  Threads: any.
 * Blocks: never.  Since: 0.1.
 */
const char *flag_view_string(const struct flag_view *view,
			     const struct flag_string *tunable);

/*
 * Has a function told of each change, from now on.  At most 16 at a time;
 * the same pair of listen and data counts once.  It is told what this process
 * has applied, after it was published; changes one after the other, in their
 * order, and what a listener changes itself when it has returned.
 *
 * Returns: 0, -FLAG_EINVAL without a function, -FLAG_ENOMEM for a
 * seventeenth.  Threads: any.  Blocks: for other calls of it.  Since: 0.1.
 */
int flag_listen(flag_listen_fn *listen, void *data);

/*
 * Takes it back.  A call that is under way in another thread may still end
 * after it.
 *
 * Returns: 0, -FLAG_ENOENT.  Threads: any.  Blocks: for other calls of it.
 * Since: 0.1.
 */
int flag_unlisten(flag_listen_fn *listen, void *data);

/*
 * Says in one line why a flag is as it is: "on: mysvc.ini:12".
 *
 * buffer: size bytes, always ended with a NUL.
 * Returns: length of the whole text, which was cut if >= size.
 * Threads: any.  Blocks: for other changes.  Since: 0.1.
 */
size_t flag_explain(const struct flag *flag, char *buffer, size_t size);

/*
 * Log functions for struct flag_options: standard error, syslog(3).
 *
 * Threads: any.  Blocks: while writing.  Since: 0.1.
 */
void flag_log_stderr(void *data, int level, const char *text);
void flag_log_syslog(void *data, int level, const char *text);

/*
 * The text of a code, positive or negative.
 *
 * Returns: a constant string.  Threads: any.  Blocks: never.  Since: 0.1.
 */
const char *flag_strerror(int code);

/*
 * The release of the library.
 *
 * Returns: a constant string.  Threads: any.  Blocks: never.  Since: 0.1.
 */
const char *flag_version(void);

/*
 * For tests: sets a flag in this process (and its fork family) whatever the
 * files say, until flag_test_reset().  NULL resets all flags.
 *
 * Threads: any.  Blocks: for other changes.  Since: 0.1.
 */
void flag_test_set(struct flag *flag, int on);
void flag_test_reset(struct flag *flag);

/*
 * For tests: the step of FLAG_TEST_BOTH.
 *
 * Returns: 1 with the flag off, then 1 with it on, then 0 with it reset.
 * Threads: one.  Blocks: for other changes.  Since: 0.1.
 */
int flag_test_next(struct flag *flag);

#else /* FLAG_STUB */

#define FLAG_DEFINE_WITH(id, name_, summary_, bits_, owner_) \
	FLAG_DECLARE(id); \
	struct flag id = { ((bits_) & FLAG_INITIAL_ON) ? 1u : 0u, 0u }

#define FLAG_DEFINE_TUNABLE_(type, code, id, value_, name_, summary_, \
			     i0, i1, i2, r0, r1, r2, text_) \
	extern type id FLAG_HIDDEN_; \
	type id = { value_, 0u, 0u }

#define FLAG_STUB_ static __inline__ __attribute__((__unused__))

FLAG_STUB_ int flag_enabled(const struct flag *flag)
{
	return (int)(flag->state & 1u);
}

FLAG_STUB_ int flag_bool(const struct flag_bool *tunable)
{
	return (int)tunable->value;
}

FLAG_STUB_ int64_t flag_int64(const struct flag_int64 *tunable)
{
	return tunable->value;
}

FLAG_STUB_ double flag_double(const struct flag_double *tunable)
{
	return tunable->value;
}

FLAG_STUB_ int64_t flag_duration(const struct flag_duration *tunable)
{
	return tunable->value;
}

FLAG_STUB_ uint64_t flag_size(const struct flag_size *tunable)
{
	return tunable->value;
}

/* What snprintf("%s") does. */
FLAG_STUB_ size_t flag_stub_copy_(const char *text, char *buffer, size_t size)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (i + 1 < size)
			buffer[i] = text[i];
	if (size > 0)
		buffer[i < size ? i : size - 1] = '\0';
	return i;
}

FLAG_STUB_ size_t flag_string(const struct flag_string *tunable,
			      char *buffer, size_t size)
{
	return flag_stub_copy_(tunable->initial, buffer, size);
}

FLAG_STUB_ int flag_enabled_for(const struct flag *flag, const void *key,
				size_t size)
{
	(void)key;
	(void)size;
	return flag_enabled(flag);
}

FLAG_STUB_ int flag_enabled_for_str(const struct flag *flag, const char *key)
{
	(void)key;
	return flag_enabled(flag);
}

FLAG_STUB_ int flag_enabled_for_id(const struct flag *flag, uint64_t id)
{
	(void)id;
	return flag_enabled(flag);
}

FLAG_STUB_ int flag_start(const char *service,
			  const struct flag_options *options,
			  struct flag_error *error)
{
	(void)service;
	(void)options;
	if (error != NULL) {
		error->code = 0;
		error->line = 0;
		error->file[0] = error->text[0] = '\0';
	}
	return 0;
}

FLAG_STUB_ void flag_stop(void) { }

FLAG_STUB_ int flag_child(struct flag_error *error)
{
	return flag_start(NULL, NULL, error);
}

FLAG_STUB_ int flag_tick(void) { return 1000; }
FLAG_STUB_ int flag_fd(void) { return -FLAG_EAGAIN; }

FLAG_STUB_ int flag_reload(struct flag_error *error)
{
	return flag_start(NULL, NULL, error);
}

FLAG_STUB_ void flag_request_reload(void) { }

FLAG_STUB_ struct flag *flag_find(const char *name)
{
	static struct flag off;

	(void)name;
	return &off;
}

FLAG_STUB_ const volatile uint32_t *flag_word(const struct flag *flag)
{
	return &flag->state;
}

FLAG_STUB_ int flag_begin(struct flag_span *span, struct flag *flag)
{
	span->flag = flag;
	span->on = flag->state & 1u;
	return (int)span->on;
}

FLAG_STUB_ int flag_begin_keyed(struct flag_span *span, struct flag *flag,
				const void *key, size_t size)
{
	(void)key;
	(void)size;
	return flag_begin(span, flag);
}

FLAG_STUB_ void flag_end(struct flag_span *span, enum flag_outcome outcome)
{
	(void)span;
	(void)outcome;
}

FLAG_STUB_ void flag_cancel(struct flag_span *span) { (void)span; }

FLAG_STUB_ void flag_view_begin(struct flag_view *view) { view->slot = 0u; }
FLAG_STUB_ void flag_view_end(struct flag_view *view) { (void)view; }

FLAG_STUB_ int flag_view_enabled(const struct flag_view *view,
				 const struct flag *flag)
{
	(void)view;
	return flag_enabled(flag);
}

FLAG_STUB_ int flag_view_bool(const struct flag_view *view,
			      const struct flag_bool *tunable)
{
	(void)view;
	return flag_bool(tunable);
}

FLAG_STUB_ int64_t flag_view_int64(const struct flag_view *view,
				   const struct flag_int64 *tunable)
{
	(void)view;
	return tunable->value;
}

FLAG_STUB_ double flag_view_double(const struct flag_view *view,
				   const struct flag_double *tunable)
{
	(void)view;
	return tunable->value;
}

FLAG_STUB_ int64_t flag_view_duration(const struct flag_view *view,
				      const struct flag_duration *tunable)
{
	(void)view;
	return tunable->value;
}

FLAG_STUB_ uint64_t flag_view_size(const struct flag_view *view,
				   const struct flag_size *tunable)
{
	(void)view;
	return tunable->value;
}

FLAG_STUB_ const char *flag_view_string(const struct flag_view *view,
					const struct flag_string *tunable)
{
	(void)view;
	return tunable->initial;
}

FLAG_STUB_ int flag_listen(flag_listen_fn *listen, void *data)
{
	(void)data;
	return listen != NULL ? 0 : -FLAG_EINVAL;
}

FLAG_STUB_ int flag_unlisten(flag_listen_fn *listen, void *data)
{
	(void)listen;
	(void)data;
	return -FLAG_ENOENT;
}

FLAG_STUB_ size_t flag_explain(const struct flag *flag, char *buffer,
			       size_t size)
{
	const char *text = flag->state & 1u ? "on: compiled" : "off: compiled";

	return flag_stub_copy_(text, buffer, size);
}

FLAG_STUB_ void flag_log_stderr(void *data, int level, const char *text)
{
	(void)data;
	(void)level;
	(void)text;
}

FLAG_STUB_ void flag_log_syslog(void *data, int level, const char *text)
{
	flag_log_stderr(data, level, text);
}

FLAG_STUB_ const char *flag_strerror(int code)
{
	return code == 0 ? "no error" : "error";
}

FLAG_STUB_ const char *flag_version(void) { return FLAG_VERSION " stub"; }

FLAG_STUB_ void flag_test_set(struct flag *flag, int on)
{
	flag->state = on ? 1u : 0u;
}

/* The stub remembers no compiled default: a reset flag is off. */
FLAG_STUB_ void flag_test_reset(struct flag *flag)
{
	if (flag != NULL)
		flag->state = 0u;
}

/* Two bits of threshold hold the step: 0 not begun, 1 off, 2 on. */
FLAG_STUB_ int flag_test_next(struct flag *flag)
{
	flag->state = flag->threshold == 1u;
	flag->threshold = flag->threshold == 2u ? 0u : flag->threshold + 1u;
	return flag->threshold != 0u;
}

#undef FLAG_STUB_

#endif /* FLAG_STUB */

/*
 * FLAG_TEST_BOTH(&flag) { ... }: runs the block with the flag off, then on,
 * then resets it.  Leave the block by its end, not by break.
 */
#define FLAG_TEST_BOTH(flag) while (flag_test_next(flag))

#ifdef __cplusplus
}
#endif

#endif /* RIPCORD_H */
