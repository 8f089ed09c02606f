/* inject: a library to preload that makes the N-th call of a kind fail, in the one program that it is preloaded into.
 *
 *     FAULT=KIND:N:WHAT FAULT_COUNTS=FILE LD_PRELOAD=inject.so PROGRAM
 *
 * KIND   alloc (malloc, calloc, realloc and aligned), or a system call: read, write, open, rename (and link), mmap, close, sync (and
 *        truncate), stat (and seek), thread; any: each of these system calls. lib: those of alloc that a library asks libc for, and not GLib
 *        or C++'s new (which end the program where there is no memory): the few that somebody must look at
 * N      which one, from 1; "N+" that and all later ones; "*" every second one. Without FAULT calls are only counted
 * WHAT   an error by its number (28 is ENOSPC), "short": one byte is read or written, "KILL" or "TERM": that signal comes before the call
 *
 * System calls are caught by a seccomp filter, so those inside libc (stdio, malloc's own mmap, the loader) and every other library count
 * too, in all threads. What happens before main (the loader, constructors of libraries) doesn't count, nor do writes to stderr: a message
 * must come through. FILE gets the counts, the number of faults, and whose code called for the first of them, as `struct counts`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined __x86_64__
#error "the registers of a system call are known for x86-64 only"
#endif

enum kind { ALLOC, READ, WRITE, OPEN, RENAME, MMAP, CLOSE, SYNC, STAT, THREAD, LIB, KINDS, ANY = KINDS };
static const char *const kind_name[] = {"alloc", "read", "write", "open",   "rename", "mmap",
                                        "close", "sync", "stat",  "thread", "lib",    "any"};
static const struct {
    int call, kind;
} calls[] = {{SYS_read, READ},       {SYS_readv, READ},       {SYS_pread64, READ},    {SYS_preadv, READ},   {SYS_write, WRITE},
             {SYS_writev, WRITE},    {SYS_pwrite64, WRITE},   {SYS_open, OPEN},       {SYS_openat, OPEN},   {SYS_rename, RENAME},
             {SYS_renameat, RENAME}, {SYS_renameat2, RENAME}, {SYS_linkat, RENAME},   {SYS_mmap, MMAP},     {SYS_mremap, MMAP},
             {SYS_close, CLOSE},     {SYS_fsync, SYNC},       {SYS_fdatasync, SYNC},  {SYS_truncate, SYNC}, {SYS_ftruncate, SYNC},
             {SYS_stat, STAT},       {SYS_fstat, STAT},       {SYS_newfstatat, STAT}, {SYS_lseek, STAT},    {SYS_clone, THREAD},
             {SYS_clone3, THREAD}};
enum { CALLS = sizeof calls / sizeof *calls };

struct counts {
    atomic_uint count[KINDS + 1]; /* the last: all system calls */
    atomic_uint faults;
    /* The first fault's caller outside libc: a library's name, or "program" for our own code, which may have been called back "for" a library. */
    char where[512];
};
static struct counts private, *counts = &private;

static int fault_kind = -1, fault_error, fault_signal;
static bool fault_short, fault_on, fault_every;
static unsigned fault_at;
static atomic_bool active;
static __thread bool inside;

/* Lets the filter tell our own calls from all others: by where they return to. */
long inject_call(long n, long a, long b, long c, long d, long e, long f);
extern const char inject_returned[];
__asm__(".text\n.globl inject_call\n.type inject_call,@function\ninject_call:\n"
        "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\nmov %r8,%r10\nmov %r9,%r8\nmov 8(%rsp),%r9\nsyscall\n"
        ".globl inject_returned\ninject_returned:\nret\n");

/* Whose code wanted it: the nearest caller that is neither this library nor libc, which works for whoever calls it; and if that is the program, the library that
 * called the program back, if one did. */
static void note_caller(void) {
    void *frame[48];
    inside = true;
    int n = backtrace(frame, 48);
    inside = false;
    Dl_info self, at;
    bool program = false;
    char where[sizeof counts->where] = "";
    if (!dladdr(&private, &self)) return;
    for (int i = 0; i < n; i++) {
        if (!dladdr(frame[i], &at) || !at.dli_fname || at.dli_fbase == self.dli_fbase) continue;
        const char *name = strrchr(at.dli_fname, '/');
        name = name ? name + 1 : at.dli_fname;
        if (!strncmp(name, "libc.so", 7) || !strncmp(name, "ld-linux", 8)) continue;
        bool library = strstr(name, ".so");
        if (program && (!library || !strncmp(name, "libgomp", 7))) continue; /* it only runs our loops */
        if (program)
            snprintf(where + strlen(where), sizeof where - strlen(where), " for %s", name);
        else
            snprintf(where, sizeof where, "%s+%#zx", library ? name : "program",
                     (size_t)((char *)frame[i] - (char *)at.dli_fbase));
        if (library) break;
        program = true;
    }
    memcpy(counts->where, where, sizeof where);
}

/* Counts a call of the kind; true when this is one that fails. */
static bool due(int kind) {
    if (!active || inside) return false;
    unsigned n = ++counts->count[kind];
    if (kind != ALLOC && kind != LIB) {
        unsigned all = ++counts->count[ANY];
        if (fault_kind == ANY) n = all, kind = ANY;
    }
    if (kind != fault_kind) return false;
    if (!(fault_every ? n % 2 == 1 : fault_on ? n >= fault_at : n == fault_at)) return false;
    if (!counts->faults++) note_caller();
    return true;
}

/* ---- memory ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

enum owner { OURS, LIBRARY, BETWEEN };

/* Whose code is there: the program's or this library's, a library's, or what others get their memory from or run in. */
static enum owner owner(void *code) {
    struct dl_find_object at, self;
    if (_dl_find_object(code, &at) || _dl_find_object(&owner, &self) || at.dlfo_link_map == self.dlfo_link_map) return OURS;
    static const char *const between[] = {"libc.so", "ld-linux", "libglib-", "libstdc++", "libgomp"};
    const char *path = at.dlfo_link_map->l_name, *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (size_t i = 0; i < sizeof between / sizeof *between; i++)
        if (!strncmp(name, between[i], strlen(between[i]))) return BETWEEN;
    return *name ? LIBRARY : OURS;
}

/* Whether a library asks for memory; it may have called the program back for it. */
static bool by_library(void *caller) {
    void *frame[16];
    enum owner o = owner(caller);
    if (o != OURS || !active || inside) return o == LIBRARY;
    inside = true;
    int n = backtrace(frame, 16);
    inside = false;
    for (int i = 0; i < n && o == OURS; i++) o = owner(frame[i]);
    return o == LIBRARY;
}

static bool no_memory(void *caller) {
    bool now = due(ALLOC);
    if (by_library(caller) && due(LIB)) now = true;
    if (now) errno = ENOMEM;
    return now;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t n) {
    return no_memory(CALLER) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    return no_memory(CALLER) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
    return no_memory(CALLER) ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t alignment, size_t n) {
    return no_memory(CALLER) ? NULL : __libc_memalign(alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n) {
    return no_memory(CALLER) ? NULL : __libc_memalign(alignment, n);
}

int posix_memalign(void **p, size_t alignment, size_t n) {
    if (no_memory(CALLER)) return ENOMEM;
    *p = __libc_memalign(alignment, n);
    return *p ? 0 : ENOMEM;
}

/* ---- system calls ---- */

static int kind_of(long call) {
    for (int i = 0; i < CALLS; i++)
        if (calls[i].call == call) return calls[i].kind;
    return -1;
}

/* The first byte only, of what the call would read or write. */
static long one_byte(const long a[6], long call) {
    if (call == SYS_readv || call == SYS_writev || call == SYS_preadv) {
        const struct iovec *v = (const struct iovec *)a[1];
        for (long i = 0; i < a[2]; i++)
            if (v[i].iov_len) {
                struct iovec one = {v[i].iov_base, 1};
                return inject_call(call, a[0], (long)&one, 1, a[3], a[4], a[5]);
            }
    }
    return inject_call(call, a[0], a[1], a[2] > 0, a[3], a[4], a[5]);
}

/* To the process, as kill(1) does; but where the thread that calls blocks it, to this thread. Another would be given it and have to wake first, and at the last rename
 * the program may be through before that, rightly; so it would be left to chance whether a signal that comes during a blocked call is obeyed after it. */
static void signal_from(const sigset_t *mask) {
    if (sigismember(mask, fault_signal))
        inject_call(SYS_tgkill, getpid(), gettid(), fault_signal, 0, 0, 0);
    else
        inject_call(SYS_kill, getpid(), fault_signal, 0, 0, 0, 0);
}

static void on_call(int sig, siginfo_t *info, void *context) {
    (void)sig;
    int saved = errno;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    long call = info->si_syscall;
    long a[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    int kind = kind_of(call);
    bool counted = kind >= 0 && !(kind == WRITE && a[0] == 2), now = counted && due(kind);
    if (now && fault_signal) signal_from(&((ucontext_t *)context)->uc_sigmask);
    if (now && fault_error) {
        if (kind == CLOSE) inject_call(call, a[0], a[1], a[2], a[3], a[4], a[5]); /* Linux closes it all the same */
        r[REG_RAX] = -fault_error;
    } else if (now && fault_short && (kind == READ || kind == WRITE)) {
        r[REG_RAX] = one_byte(a, call);
    } else {
        r[REG_RAX] = inject_call(call, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    errno = saved;
}

/* A new thread begins on a new stack, on which no handler can return: so clone is counted here, and then done by libc. */
int pthread_create(unsigned long *thread, const void *attr, void *(*start)(void *), void *arg) {
    static int (*real)(unsigned long *, const void *, void *(*)(void *), void *);
    if (!real) real = (int (*)(unsigned long *, const void *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    if (due(THREAD)) {
        if (fault_signal) kill(getpid(), fault_signal);
        if (fault_error) return fault_error;
    }
    return real(thread, attr, start, arg);
}

/* The filter's signal must come through always. */
typedef int mask_function(int how, const sigset_t *set, sigset_t *old);
static int masked(const char *name, mask_function **real, int how, const sigset_t *set, sigset_t *old) {
    if (!*real) *real = (mask_function *)dlsym(RTLD_NEXT, name);
    sigset_t open;
    if (set) {
        open = *set;
        if (how != SIG_UNBLOCK) sigdelset(&open, SIGSYS);
        set = &open;
    }
    return (*real)(how, set, old);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    static mask_function *real;
    return masked("sigprocmask", &real, how, set, old);
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    static mask_function *real;
    return masked("pthread_sigmask", &real, how, set, old);
}

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "inject: %s\n", why);
    _exit(99);
}

/* Passes everything but the calls above, and these too when they return to inject_call. */
static void catch_calls(void) {
    struct sigaction act = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    sigaction(SIGSYS, &act, NULL);
    uint64_t ours = (uint64_t)(uintptr_t)inject_returned;
    struct sock_filter filter[CALLS + 16], *f = filter;
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(member))
    *f++ = (struct sock_filter)LOAD(offsetof(struct seccomp_data, instruction_pointer));
    *f++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ours, 0, 3);
    *f++ = (struct sock_filter)LOAD(offsetof(struct seccomp_data, instruction_pointer) + 4);
    *f++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(ours >> 32), 0, 1);
    *f++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *f++ = (struct sock_filter)LOAD(offsetof(struct seccomp_data, nr));
    int n = 0, caught[CALLS];
    for (int i = 0; i < CALLS; i++)
        if (calls[i].kind != THREAD) caught[n++] = calls[i].call;
    for (int i = 0; i < n; i++)
        *f++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)caught[i], (uint8_t)(n - i), 0);
    *f++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *f++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {(unsigned short)(f - filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
        give_up("no seccomp filter to be had");
}

static void parse(const char *spec) {
    char kind[16], at[16], what[16];
    if (sscanf(spec, "%15[^:]:%15[^:]:%15s", kind, at, what) != 3) give_up("FAULT=KIND:N:WHAT");
    for (int i = 0; i <= ANY; i++)
        if (!strcmp(kind, kind_name[i])) fault_kind = i;
    if (fault_kind < 0) give_up("no such kind of call");
    fault_every = *at == '*';
    fault_at = (unsigned)strtoul(at, NULL, 10);
    fault_on = strchr(at, '+') != NULL;
    if (!strcmp(what, "short"))
        fault_short = true;
    else if (!strcmp(what, "KILL"))
        fault_signal = SIGKILL;
    else if (!strcmp(what, "TERM"))
        fault_signal = SIGTERM;
    else
        fault_error = atoi(what);
}

__attribute__((constructor)) static void start(void) {
    void *frame[2];
    backtrace(frame, 2); /* loads what it needs */
    const char *path = getenv("FAULT_COUNTS"), *spec = getenv("FAULT");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *p = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED) counts = p;
        close(fd);
    }
    if (spec && *spec) parse(spec);
    catch_calls();
    active = true;
}
