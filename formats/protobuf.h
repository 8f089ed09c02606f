/* protobuf: fields of a message, one after the other. Every length is held against the bytes that are left. */
#ifndef FACADE_PROTOBUF_H
#define FACADE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const unsigned char *p, *end;
    bool bad; /* malformed */
    int field, type; /* of the current field; type 0 varint, 1 8 bytes, 2 bytes, 5 4 bytes */
    uint64_t value; /* types 0, 1, 5 */
    const unsigned char *data; /* type 2 */
    size_t size;
} proto;

static inline proto proto_of(const unsigned char *p, size_t n) {
    static const unsigned char nothing[1];
    if (!n) p = nothing;
    return (proto){.p = p, .end = p + n};
}

static inline uint64_t proto_varint(proto *m) {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (m->p == m->end) break;
        unsigned char b = *m->p++;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return v;
    }
    m->bad = true;
    return 0;
}

static inline uint64_t proto_fixed(proto *m, int bytes) {
    uint64_t v = 0;
    if (m->end - m->p < bytes) return m->bad = true, 0;
    for (int i = bytes - 1; i >= 0; i--) v = v << 8 | m->p[i];
    m->p += bytes;
    return v;
}

/* The next field; false at the end, or when the message is malformed (bad). */
static inline bool proto_next(proto *m) {
    if (m->bad || m->p == m->end) return false;
    uint64_t key = proto_varint(m);
    m->field = (int)(key >> 3 & 0x1fffffff), m->type = (int)(key & 7);
    if (m->type == 0)
        m->value = proto_varint(m);
    else if (m->type == 1 || m->type == 5)
        m->value = proto_fixed(m, m->type == 1 ? 8 : 4);
    else if (m->type == 2) {
        uint64_t n = proto_varint(m);
        if (n > (uint64_t)(m->end - m->p)) m->bad = true;
        m->data = m->p, m->size = m->bad ? 0 : (size_t)n;
        m->p += m->size;
    } else
        m->bad = true;
    return !m->bad && m->field;
}

#endif
