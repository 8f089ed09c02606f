/* tns: what is written is read; nothing else is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "check.h"
#include "lib/floats.h"
#include "lib/tns.h"

static const int all_dtypes[] = {TNS_U8,  TNS_U16, TNS_U32, TNS_U64, TNS_I8,  TNS_I16,
                                 TNS_I32, TNS_I64, TNS_F16, TNS_F32, TNS_F64, TNS_BF16};
enum { N_DTYPES = sizeof all_dtypes / sizeof *all_dtypes };

/* ---- streams in memory ---- */

static int memory_file(const void *bytes, size_t n) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    if (fd < 0 || full_write(fd, bytes, n) < 0 || lseek(fd, 0, SEEK_SET) < 0) abort();
    return fd;
}

typedef struct {
    int result; /* of the last tns_read: 0 or -1 */
    int frames, error_number;
    char error[512];
} outcome;

static outcome read_fd(int fd, bool skim) {
    tns_reader *r = tns_reader_open(fd, "", 1 << 20);
    tns_frame f = {0};
    outcome o = {0};
    while ((o.result = skim ? tns_skim(r, &f) : tns_read(r, &f)) > 0) o.frames++;
    snprintf(o.error, sizeof o.error, "%s", tns_reader_error(r));
    o.error_number = tns_reader_errno(r);
    if (o.result < 0) CHECK(tns_read(r, &f) == -1, "a failed reader stays failed");
    tns_frame_free(&f);
    tns_reader_close(r);
    return o;
}

static outcome read_bytes(const void *bytes, size_t n, bool skim) {
    int fd = memory_file(bytes, n);
    outcome o = read_fd(fd, skim);
    close(fd);
    return o;
}

/* The bytes must be refused as corrupt, by reading and by skimming alike, with a message that has all of these words. */
static void refuse(const char *what, const void *bytes, size_t n, const char *words, const char *more) {
    for (int skim = 0; skim < 2; skim++) {
        outcome o = read_bytes(bytes, n, skim);
        CHECK(o.result == -1 && o.error_number == 0, "%s: taken", what);
        CHECK(strstr(o.error, words) && (!more || strstr(o.error, more)), "%s: \"%s\" lacks \"%s\" or \"%s\"", what, o.error,
              words, more ? more : "");
    }
}

static void accept(const char *what, const void *bytes, size_t n, int frames) {
    for (int skim = 0; skim < 2; skim++) {
        outcome o = read_bytes(bytes, n, skim);
        CHECK(o.result == 0 && o.frames == frames, "%s: %d frames, \"%s\"", what, o.frames, o.error);
    }
}

/* Runs f on a writer to a memory file; gives the bytes. */
static unsigned char *written(void (*f)(tns_writer *w), size_t *n) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    tns_writer *w = tns_writer_open(fd);
    f(w);
    tns_writer_close(w);
    *n = (size_t)lseek(fd, 0, SEEK_END);
    unsigned char *bytes = xmalloc(*n);
    if (pread(fd, bytes, *n, 0) != (ssize_t)*n) abort();
    close(fd);
    return bytes;
}

static void write_plain(tns_writer *w, int type) {
    tns_frame f = {.type = type};
    if (type == 'R') tns_meta_add(&f.meta, "key", "k");
    CHECK(tns_write(w, &f) == 0, "type %c", type);
    tns_frame_free(&f);
}

static uint8_t pattern(size_t i, size_t seed) {
    return (uint8_t)(i * 31 + seed * 57 + (i >> 8) + 1);
}

static void write_patterned(tns_writer *w, int dtype, int rank, const uint32_t *shape, const char *key, size_t seed) {
    tns_frame f = {.type = 'R'};
    CHECK(tns_frame_shape(&f, dtype, rank, shape), "shape");
    for (size_t i = 0; i < f.data_len; i++) ((uint8_t *)f.data)[i] = pattern(i, seed);
    tns_meta_add(&f.meta, "key", key);
    tns_meta_add(&f.meta, "label", seed % 2 ? "real" : "");
    CHECK(tns_write(w, &f) == 0, "record %s", key);
    tns_frame_free(&f);
}

/* ---- round trip ---- */

static const uint32_t shapes[][TNS_MAX_RANK] = {
    {0}, {5}, {3, 7}, {4, 4, 3}, {2, 3, 4, 5}, {1, 1, 1, 1, 9}, {2, 1, 3, 1, 2, 2}, {3, 0, 2}};
static const int ranks[] = {0, 1, 2, 3, 4, 5, 6, 3};
enum { N_SHAPES = sizeof ranks / sizeof *ranks };

static void write_everything(tns_writer *w) {
    tns_frame h = {.type = 'H'}, e = {.type = 'E'};
    tns_meta_add(&h.meta, "kind", "features");
    CHECK(tns_write(w, &h) == 0, "header");
    for (size_t d = 0; d < N_DTYPES; d++)
        for (size_t s = 0; s < N_SHAPES; s++) {
            char key[32];
            snprintf(key, sizeof key, "%s/%zu", tns_dtype_name(all_dtypes[d]), s);
            write_patterned(w, all_dtypes[d], ranks[s], shapes[s], key, d * N_SHAPES + s);
        }
    write_plain(w, 'R'); /* no data at all */
    tns_meta_add(&e.meta, "dropped", "small:3");
    CHECK(tns_write(w, &e) == 0, "end");
    tns_frame_free(&h);
    tns_frame_free(&e);
}

static void check_everything(int fd) {
    tns_reader *r = tns_reader_open(fd, "", 0);
    tns_frame f = {0};
    text buf = {0};
    CHECK(tns_read(r, &f) == 1 && f.type == 'H' && !strcmp(tns_meta_get(&f.meta, "kind", &buf), "features"), "header");
    for (size_t d = 0; d < N_DTYPES; d++)
        for (size_t s = 0; s < N_SHAPES; s++) {
            size_t i = d * N_SHAPES + s;
            CHECK(tns_read(r, &f) == 1 && f.type == 'R' && f.seq == i, "record %zu: %s", i, tns_reader_error(r));
            CHECK(f.dtype == all_dtypes[d] && f.rank == ranks[s] && !memcmp(f.shape, shapes[s], sizeof f.shape), "record %zu", i);
            CHECK(f.data_len == tns_frame_count(&f) * tns_dtype_size(f.dtype), "record %zu: %zu bytes", i, f.data_len);
            CHECK((uintptr_t)f.data % TNS_ALIGN == 0, "record %zu isn't aligned", i);
            size_t good = 0;
            while (good < f.data_len && ((uint8_t *)f.data)[good] == pattern(good, i)) good++;
            CHECK(good == f.data_len, "record %zu: byte %zu", i, good);
            CHECK(!strcmp(tns_meta_get(&f.meta, "label", &buf), i % 2 ? "real" : ""), "record %zu", i);
        }
    CHECK(tns_read(r, &f) == 1 && f.type == 'R' && f.dtype == TNS_NONE && f.data_len == 0, "record without data");
    CHECK(tns_read(r, &f) == 1 && f.type == 'E' && f.seq == N_DTYPES * N_SHAPES + 1, "end");
    CHECK(!strcmp(tns_meta_get(&f.meta, "dropped", &buf), "small:3"), "end's metadata");
    CHECK(tns_read(r, &f) == 0 && tns_read(r, &f) == 0, "the end stays the end");
    free(buf.s);
    tns_frame_free(&f);
    tns_reader_close(r);
}

static void test_round_trip(void) {
    size_t n;
    unsigned char *bytes = written(write_everything, &n);
    CHECK(n % TNS_ALIGN == 0, "%zu bytes", n);
    int fd = memory_file(bytes, n);
    check_everything(fd);
    close(fd);
    accept("everything", bytes, n, N_DTYPES * N_SHAPES + 3);

    /* Through a pipe, by single bytes, and by pieces that never meet a frame's border. */
    for (size_t piece = 1; piece <= 97; piece += 96) {
        int p[2];
        if (pipe(p) < 0) abort();
        pid_t child = fork();
        if (!child) {
            close(p[0]);
            for (size_t at = 0; at < n; at += piece)
                if (full_write(p[1], bytes + at, n - at < piece ? n - at : piece) < 0) _exit(1);
            _exit(0);
        }
        close(p[1]);
        check_everything(p[0]);
        close(p[0]);
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0, "the feeder failed");
    }
    free(bytes);
}

/* ---- damage ---- */

static void write_small(tns_writer *w) {
    tns_frame h = {.type = 'H'};
    tns_meta_add(&h.meta, "kind", "images");
    CHECK(tns_write(w, &h) == 0, "header");
    write_patterned(w, TNS_U8, 3, (uint32_t[]){4, 5, 3}, "id00/0", 1);
    write_patterned(w, TNS_F32, 0, NULL, "id01/1", 2);
    write_patterned(w, TNS_I16, 2, (uint32_t[]){8, 8}, "id02/2", 3); /* no padding */
    write_plain(w, 'R');
    write_plain(w, 'E');
    tns_frame_free(&h);
}
/* Where its frames begin: header 128 bytes, records 192, 192, 256, 128, end 64. */
static const size_t starts[] = {0, 128, 320, 512, 768, 896, 960};
static const char *const keys[] = {NULL, "id00/0", "id01/1", "id02/2", "k"};

static void test_cuts(const unsigned char *bytes, size_t n) {
    CHECK(n == starts[6], "%zu bytes", n);
    accept("the whole", bytes, n, 6);
    int frame = 0;
    for (size_t cut = 0; cut < n; cut++) {
        char where[80], what[40];
        if (cut == starts[frame + 1]) frame++;
        snprintf(what, sizeof what, "cut at %zu", cut);
        bool border = cut == starts[frame];
        if (cut == 0)
            strcpy(where, "header: empty input");
        else if (border && frame == 1)
            strcpy(where, "no END after the header; did an upstream stage fail?");
        else if (border)
            snprintf(where, sizeof where, "no END after record %d; did an upstream stage fail?", frame - 2);
        else if (frame == 0)
            strcpy(where, "header: cut off");
        else
            snprintf(where, sizeof where, "record %d", frame - 1);
        refuse(what, bytes, cut, where, frame && !border ? "cut off" : NULL);
        /* Where the metadata came whole, its key is named. */
        if (cut >= starts[frame] + 128 && frame >= 1 && frame <= 3) refuse(what, bytes, cut, keys[frame], where);
        /* What follows doesn't make it good. */
        unsigned char *more = xmalloc(cut + n);
        memcpy(more, bytes, cut);
        memcpy(more + cut, bytes, n);
        if (cut) refuse("cut, then good", more, cut + n, "", NULL);
        free(more);
    }
}

static void test_flips(unsigned char *bytes, size_t n) {
    int frame = 0;
    for (size_t at = 0; at < n; at++) {
        if (at == starts[frame + 1]) frame++;
        for (int bit = 0; bit < 9; bit++) {
            unsigned char flip = bit < 8 ? (unsigned char)(1 << bit) : 0xff;
            char where[40], what[40];
            snprintf(what, sizeof what, "byte %zu flipped by %02x", at, flip);
            snprintf(where, sizeof where, "record %d", frame - 1);
            bytes[at] ^= flip;
            bool end = frame == 5 && at >= starts[5] + 60; /* damage in the end frame's header: it would be record 4 */
            refuse(what, bytes, n, frame ? where : "header", end ? "header checksum" : NULL);
            if (frame >= 1 && frame <= 3 && at >= starts[frame] + 128) refuse(what, bytes, n, keys[frame], "checksum mismatch");
            bytes[at] ^= flip;
        }
    }
    accept("all flipped back", bytes, n, 6);
}

static void test_joined(const unsigned char *bytes, size_t n) {
    unsigned char *two = xmalloc(2 * n);
    memcpy(two, bytes, n);
    memcpy(two + n, bytes, n);
    accept("good and good", two, 2 * n, 12);
    refuse("good and cut", two, 2 * n - 64, "segment 2", "no END after record 3");
    refuse("good and a bit", two, n + 10, "segment 2", "cut off");
    /* Cut where a record ends, then good. */
    memmove(two + starts[3], bytes, n);
    refuse("cut and good", two, starts[3] + n, "header", "a new header before the END");
    /* A record is missing; one comes twice; one stands alone; the end counts wrong. */
    memcpy(two, bytes, n);
    memmove(two + starts[2], two + starts[3], n - starts[3]);
    refuse("a gap", two, n - 192, "record 1 (key id02/2)", "sequence number 2, expected 1");
    memcpy(two, bytes, starts[2]);
    memcpy(two + starts[2], bytes + starts[1], n - starts[1]);
    refuse("twice", two, n + 192, "record 1 (key id00/0)", "sequence number 0, expected 1");
    refuse("no header", bytes + starts[1], n - starts[1], "outside a segment", "record 0");
    memcpy(two, bytes, starts[4]);
    memcpy(two + starts[4], bytes + starts[5], 64);
    refuse("a record less", two, starts[4] + 64, "end frame", "counts 4 records, 3 came");
    memcpy(two, bytes, n);
    memcpy(two + n, bytes + starts[5], 64);
    refuse("two ends", two, n + 64, "outside a segment", NULL);
    memcpy(two + n, "\n\n\n", 3);
    refuse("something after the end", two, n + 3, "bad magic", "segment 2");
    refuse("text", "GIF89a, or anything else that isn't a stream, of more than sixty-four bytes", 75, "not a TNS frame", NULL);
    refuse("short text", "hello\n", 6, "not a TNS frame", NULL);
    free(two);
}

/* ---- frames made by hand ---- */

typedef struct {
    unsigned char b[1024];
    size_t n;
} raw;

static void put(unsigned char *p, uint64_t v, int n) {
    for (int i = 0; i < n; i++) p[i] = (unsigned char)(v >> (8 * i));
}

static void seal(raw *f) {
    put(f->b + 56, crc32(0, f->b + 64, (unsigned)(f->n - 64)), 4);
    put(f->b + 60, crc32(0, f->b, 60), 4);
}

/* A good frame: the metadata of meta_len bytes, data_len bytes of u8 of one axis for a record with data. */
static raw hand(int type, uint64_t seq, const char *meta, size_t meta_len, size_t data_len) {
    raw f = {.n = 64};
    memcpy(f.b, "\x89TNS\1", 5);
    f.b[5] = (unsigned char)type;
    if (data_len) f.b[6] = TNS_U8, f.b[7] = 1, put(f.b + 32, data_len, 4);
    put(f.b + 12, meta_len, 4);
    put(f.b + 16, data_len, 8);
    put(f.b + 24, seq, 8);
    memcpy(f.b + 64, meta, meta_len);
    f.n += (meta_len + 63) / 64 * 64;
    memset(f.b + f.n, 7, data_len);
    f.n += (data_len + 63) / 64 * 64;
    seal(&f);
    return f;
}

/* H, the frame, E. */
static size_t around(const raw *middle, unsigned char out[4096]) {
    raw h = hand('H', 0, "", 0, 0), e = hand('E', 1, "", 0, 0);
    memcpy(out, h.b, h.n);
    memcpy(out + h.n, middle->b, middle->n);
    memcpy(out + h.n + middle->n, e.b, e.n);
    return h.n + middle->n + e.n;
}

static void test_header_fields(void) {
    static const struct {
        int offset, bytes;
        uint64_t value;
        const char *words;
    } lies[] = {
        {0, 1, 0x88, "bad magic"},
        {4, 1, 2, "version 2"},
        {4, 1, 0, "version 0"},
        {5, 1, 'h', "unknown frame type"},
        {5, 1, 0, "unknown frame type"},
        {5, 1, 'E', "an end frame with data"},
        {5, 1, 'H', "a header with data"},
        {6, 1, 0x14, "unknown dtype"},
        {6, 1, 0x30, "unknown dtype"},
        {6, 1, 0x42, "unknown dtype"},
        {6, 1, 0, "a shape without data"},
        {6, 1, TNS_U16, "length doesn't match"},
        {7, 1, 7, "rank over 6"},
        {7, 1, 255, "rank over 6"},
        {7, 1, 0, "unused shape that isn't zero"},
        {7, 1, 2, "length doesn't match"},
        {8, 4, 1, "reserved"},
        {11, 1, 1, "reserved"},
        {12, 4, TNS_MAX_META + 1, "metadata, over the limit"},
        {12, 4, UINT32_MAX, "metadata, over the limit"},
        {16, 8, 99, "length doesn't match"},
        {16, 8, UINT64_MAX, "length doesn't match"},
        {24, 8, 1, "sequence number 1, expected 0"},
        {24, 8, UINT64_MAX, "sequence number"},
        {32, 4, UINT32_MAX, "length doesn't match"},
        {36, 4, 1, "unused shape"},
        {52, 4, 1, "unused shape"},
    };
    unsigned char bytes[4096];
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        raw f = hand('R', 0, "key=k\n", 6, 100);
        put(f.b + lies[i].offset, lies[i].value, lies[i].bytes);
        seal(&f);
        refuse(lies[i].words, bytes, around(&f, bytes), lies[i].words, "record 0");
    }
    raw f = hand('R', 0, "key=k\n", 6, 100);
    accept("no lie", bytes, around(&f, bytes), 3);
    for (size_t at = 64 + 6; at < f.n; at++) {
        if (at == 128) at = 228; /* the data */
        f = hand('R', 0, "key=k\n", 6, 100);
        f.b[at] = 1;
        seal(&f);
        refuse("padding", bytes, around(&f, bytes), "padding that isn't zero", "record 0 (key k)");
    }
    raw h = hand('H', 1, "", 0, 0);
    refuse("a header's seq", h.b, h.n, "sequence number that isn't 0", "header");
}

/* Lengths that are true by the header, or overflow to something that is, and no bytes behind them. */
static void test_hostile_lengths(void) {
    static const struct {
        int dtype, rank;
        uint32_t shape[6];
        uint64_t data_len;
        const char *words;
    } lies[] = {
        {TNS_U8, 2, {1u << 31, 1u << 31}, UINT64_C(1) << 62, "over the limit"},
        {TNS_F64, 2, {1u << 31, 1u << 30}, 0, "length doesn't match"}, /* 2^64 */
        {TNS_F64, 2, {1u << 31, 1u << 29}, UINT64_C(1) << 63, "length doesn't match"},
        {TNS_U8, 6, {1u << 16, 1u << 16, 1u << 16, 1u << 16, 1, 1}, 0, "length doesn't match"},
        {TNS_F32, 6, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, 4, "length doesn't match"},
        {TNS_U8, 1, {(1u << 20) + 1}, (1 << 20) + 1, "over the limit of 1048576; --max-record raises it"},
        {TNS_F64, 3, {UINT32_MAX, UINT32_MAX, 0}, 0, "cut off"}, /* empty, and legal */
    };
    raw h = hand('H', 0, "", 0, 0);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        raw f = hand('R', 0, "", 0, 0);
        f.b[6] = (unsigned char)lies[i].dtype;
        f.b[7] = (unsigned char)lies[i].rank;
        put(f.b + 12, TNS_MAX_META, 4);
        put(f.b + 16, lies[i].data_len, 8);
        for (int k = 0; k < 6; k++) put(f.b + 32 + 4 * k, lies[i].shape[k], 4);
        seal(&f);
        unsigned char bytes[128];
        memcpy(bytes, h.b, 64);
        memcpy(bytes + 64, f.b, 64);
        refuse("hostile", bytes, 128, lies[i].words, "record 0");
        /* Nothing was allocated for it. */
        int fd = memory_file(bytes, 128);
        tns_reader *r = tns_reader_open(fd, "", 1 << 20);
        tns_frame t = {0};
        CHECK(tns_read(r, &t) == 1 && tns_read(r, &t) == -1, "lie %zu", i);
        CHECK(t.data_cap <= TNS_ALIGN, "lie %zu: %zu bytes allocated", i, t.data_cap);
        if (strcmp(lies[i].words, "cut off")) CHECK(t.meta.t.cap <= TNS_ALIGN, "lie %zu: %zu for metadata", i, t.meta.t.cap);
        tns_frame_free(&t);
        tns_reader_close(r);
        int is_errno;
        char err[512];
        CHECK(tns_read_at(fd, 64, "", 1 << 20, &t, err, &is_errno) == -1 && !is_errno, "lie %zu", i);
        CHECK(t.data_cap <= TNS_ALIGN, "lie %zu: %zu bytes allocated", i, t.data_cap);
        tns_frame_free(&t);
        close(fd);
    }
    uint32_t big[6] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    tns_frame f = {0};
    CHECK(!tns_frame_shape(&f, TNS_F64, 6, big) && !f.data, "a shape that overflows");
    CHECK(!tns_frame_shape(&f, TNS_F64, 7, big) && !f.data, "rank 7");
    tns_frame_free(&f);
}

/* ---- metadata ---- */

static void test_wire_form(void) {
#define TEXT(s)                                                                                                                  \
    { s, sizeof(s) - 1 }
    static const struct {
        const char *s;
        size_t n;
    } good[] = {TEXT("key=\n"),
                TEXT("key=a=b\n"),
                TEXT("key=%25\n"),
                TEXT("key=%0A%0D%09\n"),
                TEXT("key=%FF%FE\n"),
                TEXT("key=\xc3\xa9\n"),
                TEXT("key=%C2%80\n"),
                TEXT("key=%7F\n"),
                TEXT("key=1\nkey=2\n"),
                TEXT("a%0Ab=c\nkey=x\n"),
                TEXT("key=%C3\n"),
                TEXT("key=%ED%A0%80\n"),
                TEXT("key=%C3A9\n"),
                TEXT("key=\xf4\x8f\xbf\xbf\n"),
                TEXT("key= x \n"),
                TEXT("key=\xc2\xa0\n"),
                TEXT("key=%F4%90%80%80\n"),
                TEXT("key=%C0%AF\n")},
      bad[] = {TEXT("key=a"),
               TEXT("=a\nkey=k\n"),
               TEXT("key=k\n\n"),
               TEXT("key=k\nkey\n"),
               TEXT("key=%41\n"),
               TEXT("key=%0a\n"),
               TEXT("key=%\n"),
               TEXT("key=%4\n"),
               TEXT("key=%G0\n"),
               TEXT("key=%%\n"),
               TEXT("key=\t\n"),
               TEXT("key=\x7f\n"),
               TEXT("key=\xff\n"),
               TEXT("key=%C3%A9\n"),
               TEXT("key=\xc2\x80\n"),
               TEXT("key=%00\n"),
               TEXT("key=\0\n"),
               TEXT("k\0=k\n"),
               TEXT("key=\xed\xa0\x80\n"),
               TEXT("key=\xc3\n"),
               TEXT("key=\xc0\xaf\n"),
               TEXT("a%3Db=c\nkey=k\n"),
               TEXT("key=\r\n"),
               TEXT("key=\xf4\x90\x80\x80\n"),
               TEXT("key=%0\nA=\n"),
               TEXT("key=\xc3%A9\n"),
               TEXT("key=\xe2\x82\n")};
#undef TEXT
    unsigned char bytes[4096];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        raw f = hand('R', 0, good[i].s, good[i].n, 0);
        accept(good[i].s, bytes, around(&f, bytes), 3);
        /* The library's own functions write it so again. */
        tns_meta m = {0}, again = {0};
        text name = {0}, value = {0};
        text_addn(&m.t, good[i].s, good[i].n);
        for (size_t pos = 0; tns_meta_next(&m, &pos, &name, &value);) tns_meta_add(&again, name.s, value.s);
        CHECK(again.t.len == good[i].n && !memcmp(again.t.s, good[i].s, good[i].n), "%s becomes %s", good[i].s, again.t.s);
        tns_meta_free(&m);
        tns_meta_free(&again);
        free(name.s);
        free(value.s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        raw f = hand('R', 0, bad[i].s, bad[i].n, 0);
        refuse(bad[i].s, bytes, around(&f, bytes), "malformed metadata", "record 0");
    }
    raw f = hand('R', 0, "label=x\n", 8, 0);
    refuse("no key", bytes, around(&f, bytes), "no key=", "record 0");
    f = hand('R', 0, "", 0, 10);
    refuse("no metadata", bytes, around(&f, bytes), "no key=", "record 0");
}

static void test_meta_functions(void) {
    tns_meta m = {0}, copy = {0};
    text buf = {0}, name = {0};
    CHECK(!tns_meta_get(&m, "key", &buf), "get from nothing");
    size_t pos = 0;
    CHECK(!tns_meta_next(&m, &pos, &name, &buf), "walk through nothing");
    CHECK(!tns_meta_drop(&m, "key"), "drop from nothing");
    const char *hard = "100%\n\ttab \x01\x7f \xff\xfe \xc3\xa9 \xc2\x9b = %41";
    tns_meta_add(&m, "key", hard);
    CHECK(!strcmp(m.t.s, "key=100%25%0A%09tab %01%7F %FF%FE \xc3\xa9 %C2%9B = %2541\n"), "%s", m.t.s);
    CHECK(!strcmp(tns_meta_get(&m, "key", &buf), hard), "%s", buf.s);
    tns_meta_addf(&m, "n", "%d", 42);
    tns_meta_add(&m, "face", "1");
    tns_meta_add(&m, "x", "");
    tns_meta_add(&m, "face", "2");
    CHECK(!tns_meta_get(&m, "fac", &buf) && !tns_meta_get(&m, "face1", &buf) && !tns_meta_get(&m, "ace", &buf), "parts of names");
    CHECK(!strcmp(tns_meta_get(&m, "face", &buf), "1") && !strcmp(tns_meta_get(&m, "x", &buf), ""), "get");
    tns_meta_copy(&copy, &m);
    tns_meta_set(&m, "face", "%3");
    CHECK(strstr(m.t.s, "n=42\nface=%253\nx=\n") && !strstr(m.t.s, "face=2"), "%s", m.t.s);
    tns_meta_set(&m, "new", "v");
    CHECK(strstr(m.t.s, "x=\nnew=v\n"), "%s", m.t.s);
    CHECK(tns_meta_drop(&m, "key") && !strcmp(m.t.s, "n=42\nface=%253\nx=\nnew=v\n"), "%s", m.t.s);
    CHECK(!tns_meta_drop(&m, "key"), "drop again");
    int lines = 0;
    for (pos = 0; tns_meta_next(&copy, &pos, &name, &buf);) lines++;
    CHECK(lines == 5, "%d lines", lines);
    CHECK(tns_meta_drop(&copy, "face") && tns_meta_drop(&copy, "n") && tns_meta_drop(&copy, "x") && tns_meta_drop(&copy, "key"),
          "drop");
    CHECK(copy.t.len == 0, "all dropped");
    tns_meta_add(&copy, "a", "b");
    tns_meta_clear(&copy);
    CHECK(copy.t.len == 0 && !tns_meta_get(&copy, "a", &buf), "cleared");
    tns_meta_free(&m);
    tns_meta_free(&copy);
    free(buf.s);
    free(name.s);
}

/* ---- the rest ---- */

static void test_dtypes(void) {
    int names = 0;
    for (int d = -1; d < 300; d++) {
        const char *name = tns_dtype_name(d);
        if (!name)
            CHECK(tns_dtype_size(d) == 0, "dtype %02x has a size", d);
        else if (d != TNS_NONE)
            CHECK(tns_dtype_size(d) == (size_t)1 << (d & 15), "dtype %02x", d);
        if (name) CHECK(tns_dtype_parse(name) == d, "%s", name);
        names += name != NULL;
    }
    CHECK(names == N_DTYPES + 1, "%d dtypes", names);
    CHECK(tns_dtype_size(TNS_BF16) == 2 && tns_dtype_size(TNS_NONE) == 0, "sizes");
    CHECK(tns_dtype_parse("f33") == -1 && tns_dtype_parse("") == -1, "names that aren't");
    char out[80];
    tns_frame f = {.rank = 6, .shape = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    tns_shape_text(&f, out);
    CHECK(strlen(out) == 65, "%s", out);
    f = (tns_frame){.rank = 3, .shape = {64, 32, 3}};
    tns_shape_text(&f, out);
    CHECK(!strcmp(out, "64x32x3"), "%s", out);
    f.rank = 0;
    tns_shape_text(&f, out);
    CHECK(!strcmp(out, "scalar"), "%s", out);
}

static void test_frames(void) {
    tns_frame a = {0}, b = {0};
    uint32_t shape[] = {10, 3};
    CHECK(tns_frame_shape(&a, TNS_I16, 2, shape) && a.data_len == 60 && a.data_cap == 64, "%zu", a.data_len);
    void *first = a.data;
    shape[0] = 4;
    CHECK(tns_frame_shape(&a, TNS_U8, 1, shape) && a.data == first && a.data_len == 4 && a.shape[1] == 0, "memory is kept");
    memcpy(a.data, "abcd", 4);
    tns_meta_add(&a.meta, "key", "k");
    a.type = 'R';
    CHECK(tns_frame_copy(&b, &a) && b.data != a.data && b.type == 'R' && !memcmp(b.data, "abcd", 4) &&
              !strcmp(b.meta.t.s, "key=k\n"),
          "copy");
    ((char *)b.data)[0] = 'x';
    tns_frame_swap(&a, &b);
    CHECK(((char *)a.data)[0] == 'x' && ((char *)b.data)[0] == 'a', "swap");
    tns_frame_free(&a);
    tns_frame_free(&b);
    CHECK(!a.data && !a.meta.t.s, "freed");
}

static void test_offsets(unsigned char *bytes, size_t n) {
    int fd = memory_file(bytes, n), is_errno;
    char err[512];
    tns_reader *r = tns_reader_open(fd, "", 0);
    tns_frame f = {0}, at = {0};
    for (int i = 0; i < 6; i++) {
        uint64_t length = 0;
        CHECK((i % 2 ? tns_skim(r, &f) : tns_read(r, &f)) == 1 && tns_reader_offset(r) == starts[i], "frame %d", i);
        CHECK(tns_peek_at(fd, starts[i], 0, &length) == f.type && length == starts[i + 1] - starts[i], "frame %d", i);
        CHECK(tns_read_at(fd, starts[i], "", 0, &at, err, &is_errno) == 1, "frame %d", i);
        CHECK(at.type == f.type && at.seq == f.seq && at.data_len == f.data_len && at.meta.t.len == f.meta.t.len, "frame %d", i);
        CHECK(i % 2 || !f.data_len || !memcmp(at.data, f.data, f.data_len), "frame %d", i);
    }
    uint64_t length;
    CHECK(tns_peek_at(fd, n, 0, &length) == 0 && tns_peek_at(fd, 64, 0, &length) == 0, "no frame");
    CHECK(tns_peek_at(fd, starts[1], 59, &length) == 0 && tns_peek_at(fd, starts[1], 60, &length) == 'R', "the limit");
    CHECK(tns_read_at(fd, n, "x.tns", 0, &at, err, &is_errno) == -1 && !is_errno && strstr(err, "x.tns: frame at byte 960"), "%s",
          err);
    CHECK(tns_read_at(fd, starts[1] + 1, "", 0, &at, NULL, &is_errno) == -1 && !is_errno, "between frames");
    tns_reader_close(r);
    close(fd);
    CHECK(tns_read_at(fd, 0, "", 0, &at, err, &is_errno) == -1 && is_errno == EBADF, "a closed descriptor");

    /* Every byte of a record. */
    for (size_t i = starts[1]; i < starts[2]; i++) {
        bytes[i] ^= 0x40;
        fd = memory_file(bytes, n);
        CHECK(tns_read_at(fd, starts[1], "", 0, &at, err, &is_errno) == -1 && !is_errno, "byte %zu", i);
        if (i >= starts[1] + 128) CHECK(strstr(err, "(key id00/0): checksum mismatch"), "%s", err);
        close(fd);
        bytes[i] ^= 0x40;
        fd = memory_file(bytes, i);
        CHECK(tns_read_at(fd, starts[1], "", 0, &at, err, &is_errno) == -1 && !is_errno && strstr(err, "cut off"), "cut at %zu",
              i);
        close(fd);
    }
    tns_frame_free(&f);
    tns_frame_free(&at);
}

static void test_writer(void) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    tns_writer *w = tns_writer_open(fd);
    tns_frame h = {.type = 'H'}, r = {.type = 'R'}, e = {.type = 'E'}, wrong = {.type = 'X'};
    tns_meta_add(&r.meta, "key", "k");
    const tns_frame *refused[] = {&r, &e, &wrong};
    for (int i = 0; i < 3; i++) {
        errno = 0;
        CHECK(tns_write(w, refused[i]) == -1 && errno == EINVAL, "before H: %c", refused[i]->type);
    }
    CHECK(tns_write(w, &h) == 0, "H");
    CHECK(tns_write(w, &h) == -1 && errno == EINVAL, "H in a segment");
    r.dtype = 0x14;
    CHECK(tns_write(w, &r) == -1 && errno == EINVAL, "a dtype that isn't one");
    r.dtype = TNS_NONE;
    char *long_text = xmalloc(TNS_MAX_META);
    memset(long_text, 'a', TNS_MAX_META);
    long_text[TNS_MAX_META - 9] = 0;
    tns_frame big = {.type = 'R'};
    tns_meta_add(&big.meta, "key", "k");
    tns_meta_add(&big.meta, "x", long_text);
    CHECK(big.meta.t.len == TNS_MAX_META, "%zu", big.meta.t.len);
    CHECK(tns_write(w, &big) == 0, "as much metadata as there may be");
    tns_meta_set(&big.meta, "key", "kk");
    CHECK(tns_write(w, &big) == -1 && errno == EINVAL, "a byte more");
    CHECK(tns_write(w, &e) == 0 && tns_write(w, &e) == -1, "E, and again");
    tns_writer_close(w);
    lseek(fd, 0, SEEK_SET);
    outcome o = read_fd(fd, false);
    CHECK(o.result == 0 && o.frames == 3, "what was refused left nothing: %s", o.error);
    close(fd);
    free(long_text);
    tns_frame_free(&r);
    tns_frame_free(&big);

    int p[2];
    if (pipe(p) < 0) abort();
    close(p[0]);
    w = tns_writer_open(p[1]);
    CHECK(tns_write(w, &h) == -1 && errno == EPIPE, "the reader has gone");
    tns_writer_close(w);
    close(p[1]);
    fd = open("/dev/full", O_WRONLY);
    w = tns_writer_open(fd);
    CHECK(tns_write(w, &h) == -1 && errno == ENOSPC, "a full disk");
    tns_writer_close(w);
    close(fd);
}

static void test_failed_reads(void) {
    int fd = open("/", O_RDONLY);
    outcome o = read_fd(fd, false);
    CHECK(o.result == -1 && o.error_number == EISDIR, "%s", o.error);
    close(fd);
    tns_reader *r = tns_reader_open(-1, "a name", 0);
    tns_frame f = {0};
    CHECK(tns_read(r, &f) == -1 && tns_reader_errno(r) == EBADF && !strncmp(tns_reader_error(r), "a name: ", 8), "%s",
          tns_reader_error(r));
    tns_reader_close(r);
    tns_frame_free(&f);
}

/* Every f16 comes back from f32; what lies between two goes to the nearer, halfway to the even one, beyond the last to infinity. */
static void test_halves(void) {
    for (unsigned h = 0; h < 0x10000; h++) {
        float f = float_of_half((uint16_t)h);
        if (isnan(f))
            CHECK(isnan(float_of_half(half_of_float(f))), "%04x", h);
        else
            CHECK(half_of_float(f) == h, "%04x: %g became %04x", h, (double)f, half_of_float(f));
        if ((h & 0x7fff) >= 0x7bff) continue;
        float next = float_of_half((uint16_t)(h + 1)), middle = (f + next) / 2;
        CHECK(half_of_float(middle) == (h & 1 ? h + 1 : h), "halfway from %04x on: %04x", h, half_of_float(middle));
        CHECK(half_of_float(nextafterf(middle, f)) == h, "nearer to %04x", h);
        CHECK(half_of_float(nextafterf(middle, next)) == h + 1, "nearer to %04x", h + 1);
    }
    CHECK(half_of_float(65519.996f) == 0x7bff && half_of_float(65520) == 0x7c00 && half_of_float(-1e30f) == 0xfc00,
          "the largest");
    CHECK(half_of_float(-1e-30f) == 0x8000, "the smallest");
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    test_dtypes();
    test_halves();
    test_frames();
    test_meta_functions();
    test_round_trip();
    size_t n;
    unsigned char *small = written(write_small, &n);
    test_cuts(small, n);
    test_flips(small, n);
    test_joined(small, n);
    test_offsets(small, n);
    free(small);
    test_header_fields();
    test_hostile_lengths();
    test_wire_form();
    test_writer();
    test_failed_reads();
    return check_status();
}
