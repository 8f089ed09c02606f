/* tns: the tensor stream (formats/TNS.md), frame by frame, checked.
 *
 * A stream is one or more segments; a segment is a header frame H, records R, and an end frame E. This layer reads and
 * writes frames, verifies all that the format promises, and knows nothing of programs, tensors' meaning or threads.
 *
 * Reading has three outcomes, as everywhere in Facade: a frame, the end, an error. Check them:
 *
 *     tns_reader *r = tns_reader_open(fd, "name for messages", 0);
 *     tns_frame f = {0};
 *     while ((got = tns_read(r, &f)) > 0)   // f.type is 'H', 'R' or 'E'
 *         ...
 *     if (got < 0) error: tns_reader_error(r), tns_reader_errno(r)
 *     tns_frame_free(&f); tns_reader_close(r);
 */
#ifndef FACADE_TNS_H
#define FACADE_TNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

#define TNS_ALIGN 64
#define TNS_MAX_RANK 6
#define TNS_MAX_META (1u << 20)
#define TNS_MAX_DATA (UINT64_C(1) << 30) /* default limit of a record's data, --max-record */

/* Two hex digits: kind (1 unsigned, 2 signed, 3 IEEE float, 4 bfloat), log2 of the bytes. All 14 combinations below are
 * legal on the wire; programs say which they take. */
typedef enum {
    TNS_NONE = 0x00, /* frames without data */
    TNS_U8 = 0x10,
    TNS_U16 = 0x11,
    TNS_U32 = 0x12,
    TNS_U64 = 0x13,
    TNS_I8 = 0x20,
    TNS_I16 = 0x21,
    TNS_I32 = 0x22,
    TNS_I64 = 0x23,
    TNS_F16 = 0x31,
    TNS_F32 = 0x32,
    TNS_F64 = 0x33,
    TNS_BF16 = 0x41
} tns_dtype;

/* Bytes an element takes; 0 for TNS_NONE and for what isn't a dtype. */
size_t tns_dtype_size(int dtype);
/* "u8", "i32", "f32", "bf16"...; "none" for TNS_NONE; NULL for what isn't a dtype. */
const char *tns_dtype_name(int dtype);
/* The reverse; -1 for an unknown name. */
int tns_dtype_parse(const char *name);

/* Metadata: the text `name=value\n`..., values percent-escaped canonically. The functions below take and give plain
 * (unescaped) values; the text in t.s is as on the wire. A name may occur several times (face=, pg=). */
typedef struct {
    text t;
} tns_meta;

/* First value of name, unescaped into buf->s (buf is reused: valid until the next use of buf); NULL when absent. */
const char *tns_meta_get(const tns_meta *m, const char *name, text *buf);
/* Walks the lines: *pos = 0 to begin; false at the end. name and value point into name_buf and value_buf (unescaped). */
bool tns_meta_next(const tns_meta *m, size_t *pos, text *name_buf, text *value_buf);
/* Appends a line; names are ours ([A-Za-z0-9_.-]+) or as read, the value is escaped as needed. */
void tns_meta_add(tns_meta *m, const char *name, const char *value);
void tns_meta_addf(tns_meta *m, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Replaces the first line of that name in place (dropping further ones), or appends. */
void tns_meta_set(tns_meta *m, const char *name, const char *value);
/* Drops every line of that name; true when there was one. */
bool tns_meta_drop(tns_meta *m, const char *name);
void tns_meta_copy(tns_meta *to, const tns_meta *from);
void tns_meta_clear(tns_meta *m); /* empties, keeps the memory */
void tns_meta_free(tns_meta *m);

typedef struct {
    int type; /* 'H', 'R' or 'E' */
    int dtype; /* tns_dtype */
    int rank; /* 0..6; a rank-0 record with a dtype is a scalar */
    uint32_t shape[TNS_MAX_RANK]; /* unused = 0 */
    uint64_t seq; /* R: index in its segment; E: number of R; H: 0. tns_write fills it in */
    tns_meta meta;
    void *data; /* C-contiguous, 64-byte aligned, owned by the frame */
    size_t data_len; /* bytes, == product(shape) * size */
    size_t data_cap; /* bytes allocated */
} tns_frame;

/* Gives the frame that dtype and shape and room for its data (kept when large enough). False when the size overflows or
 * there is no memory. The data isn't zeroed. */
bool tns_frame_shape(tns_frame *f, int dtype, int rank, const uint32_t *shape);
/* Deep copy. False when there is no memory. */
bool tns_frame_copy(tns_frame *to, const tns_frame *from);
void tns_frame_swap(tns_frame *a, tns_frame *b);
void tns_frame_free(tns_frame *f);
/* Product of the shape (1 for rank 0). */
size_t tns_frame_count(const tns_frame *f);
/* "64x64x3"; "scalar" for rank 0. */
void tns_shape_text(const tns_frame *f, char out[80]);

/* ---- reading ---- */

typedef struct tns_reader tns_reader;

/* Reads from fd (any offset; never seeks). name is for messages and is copied. max_data 0 means TNS_MAX_DATA.
 * A pipe is enlarged, best effort. The fd stays the caller's. */
tns_reader *tns_reader_open(int fd, const char *name, uint64_t max_data);
void tns_reader_close(tns_reader *r);

/* 1: *f is the next frame, verified (header, checksum, padding, grammar, lengths), its memory reused from call to call.
 * 0: the stream ended where it may (after an E). -1: corrupt input or a failed read, see below; the reader stays failed.
 * After -1 the frame's contents are unspecified (but freeable). */
int tns_read(tns_reader *r, tns_frame *f) __attribute__((warn_unused_result));

/* As tns_read, but the data is checked without being kept (f->data is untouched): for indexing a file. */
int tns_skim(tns_reader *r, tns_frame *f) __attribute__((warn_unused_result));

/* What went wrong: "NAME: record 1412 (key id03/0007): checksum mismatch" (NAME left out when it was "" ). */
const char *tns_reader_error(const tns_reader *r);
/* 0 when the input is corrupt (exit status 3), otherwise the errno of a failed read (status 1). */
int tns_reader_errno(const tns_reader *r);
/* Offset in bytes of the frame last returned, from where reading began. */
uint64_t tns_reader_offset(const tns_reader *r);
/* Offset of what follows it. */
uint64_t tns_reader_next_offset(const tns_reader *r);

/* Reads the one frame at an offset of a seekable fd (pread), verified alone (not its place in the grammar).
 * Thread-safe. 1, or -1 with the text in err (may be NULL); *is_errno as tns_reader_errno. */
int tns_read_at(int fd, uint64_t offset, const char *name, uint64_t max_data, tns_frame *f, char err[512], int *is_errno)
    __attribute__((warn_unused_result));

/* What kind of frame stands at an offset of a seekable fd ('H', 'R', 'E') and how many bytes it takes, from its 64-byte header alone,
 * whose checksum is verified: to hop from frame to frame. 0 when there is none (end of the file, damage, over max_data): who
 * wants to know why reads the stream there. -1 with errno when the file can't be read. */
int tns_peek_at(int fd, uint64_t offset, uint64_t max_data, uint64_t *length);

/* ---- writing ---- */

typedef struct tns_writer tns_writer;

/* Writes to fd. The fd stays the caller's. A pipe is enlarged, best effort. */
tns_writer *tns_writer_open(int fd);
/* Goes on inside a segment whose H and `count` records are already there. */
tns_writer *tns_writer_resume(int fd, uint64_t count);
/* Records written in the segment (with those it was resumed behind). */
uint64_t tns_writer_count(const tns_writer *w);
void tns_writer_close(tns_writer *w); /* frees; writes nothing */

/* Writes the frame as the next one of the stream: H opens a segment, R counts up, E closes it; seq, padding and checksums
 * are filled in, data_len is taken from dtype and shape. 0, or -1 with errno (EPIPE: the reader has gone; EINVAL: out of
 * grammar, or metadata over the limit). A program that fails must not write E. */
int tns_write(tns_writer *w, const tns_frame *f) __attribute__((warn_unused_result));

#endif
