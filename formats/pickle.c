#include "pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/tns.h"

enum { MAX_VALUES = 1 << 18, MAX_STACK = 1 << 18, MAX_MEMO = 1 << 20, MAX_COPIED = 1 << 20, MAX_KEY = 200 };

struct pickle {
    pickle_value **value; /* all of them, to be freed */
    int values, value_room;
    pickle_value **stack; /* NULL is a mark */
    int depth, stack_room;
    pickle_value **memo;
    size_t memo_size, memos; /* memos: how many are used */
    int copied; /* pairs that OrderedDict's calls copied: one list can be copied again and again */
    const unsigned char *p, *end;
    char *err;
    bool failed;
    pickle_value *root;
};

static bool bad(pickle *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool bad(pickle *k, const char *fmt, ...) {
    if (k->failed) return false;
    k->failed = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(k->err, PICKLE_ERROR, fmt, ap);
    va_end(ap);
    return false;
}

static pickle_value *make(pickle *k, pickle_kind kind) {
    if (k->values == MAX_VALUES) return bad(k, "more than %d values", MAX_VALUES), NULL;
    if (k->values == k->value_room) {
        k->value_room = k->value_room ? 2 * k->value_room : 256;
        k->value = xrealloc(k->value, (size_t)k->value_room * sizeof(pickle_value *));
    }
    pickle_value *v = xarray(1, sizeof *v);
    v->kind = kind;
    return k->value[k->values++] = v;
}

static bool push(pickle *k, pickle_value *v) {
    if (k->failed) return false;
    if (k->depth == MAX_STACK) return bad(k, "a stack deeper than %d", MAX_STACK);
    if (k->depth == k->stack_room) {
        k->stack_room = k->stack_room ? 2 * k->stack_room : 256;
        k->stack = xrealloc(k->stack, (size_t)k->stack_room * sizeof(pickle_value *));
    }
    k->stack[k->depth++] = v;
    return true;
}

/* The topmost value; NULL and failed when there is none, or a mark. */
static pickle_value *pop(pickle *k) {
    if (!k->depth || !k->stack[k->depth - 1]) return bad(k, "an empty stack"), NULL;
    return k->stack[--k->depth];
}

static pickle_value *top(pickle *k) {
    pickle_value *v = pop(k);
    if (v) k->depth++;
    return v;
}

static void append(pickle_value *to, pickle_value *v) {
    if (to->items == to->room) {
        to->room = to->room ? 2 * to->room : 4;
        to->item = xrealloc(to->item, (size_t)to->room * sizeof(pickle_value *));
    }
    to->item[to->items++] = v;
}

/* Appends what is above the last mark to v, and drops the mark. */
static bool take_marked(pickle *k, pickle_value *v) {
    int mark = k->depth - 1;
    while (mark >= 0 && k->stack[mark]) mark--;
    if (mark < 0) return bad(k, "no mark on the stack");
    for (int i = mark + 1; i < k->depth; i++) append(v, k->stack[i]);
    k->depth = mark;
    return true;
}

static const unsigned char *bytes(pickle *k, size_t n) {
    if ((size_t)(k->end - k->p) < n) return bad(k, "cut off"), NULL;
    k->p += n;
    return k->p - n;
}

static uint64_t number(pickle *k, int n) {
    const unsigned char *p = bytes(k, (size_t)n);
    uint64_t v = 0;
    for (int i = n - 1; i >= 0 && p; i--) v = v << 8 | p[i];
    return v;
}

static pickle_value *text_value(pickle *k, size_t n) {
    const unsigned char *p = bytes(k, n);
    pickle_value *v = p ? make(k, PICKLE_TEXT) : NULL;
    if (!v) return NULL;
    v->text = xmalloc(n + 1);
    memcpy(v->text, p, n);
    v->text[n] = 0;
    if (strlen(v->text) != n) bad(k, "a text with a NUL in it");
    return v;
}

/* A line, as GLOBAL has two of. */
static char *line(pickle *k) {
    const unsigned char *nl = memchr(k->p, '\n', (size_t)(k->end - k->p));
    if (!nl || nl - k->p > 200) return bad(k, "an endless line"), NULL;
    char *s = xasprintf("%.*s", (int)(nl - k->p), (const char *)k->p);
    k->p = nl + 1;
    return s;
}

static int storage_dtype(const char *global) {
    static const struct {
        const char *name;
        int dtype;
    } kinds[] = {{"torch FloatStorage", TNS_F32},     {"torch DoubleStorage", TNS_F64}, {"torch HalfStorage", TNS_F16},
                 {"torch BFloat16Storage", TNS_BF16}, {"torch LongStorage", TNS_I64},   {"torch IntStorage", TNS_I32},
                 {"torch ShortStorage", TNS_I16},     {"torch CharStorage", TNS_I8},    {"torch ByteStorage", TNS_U8},
                 {"torch BoolStorage", TNS_U8}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, global)) return kinds[i].dtype;
    return -1;
}

static bool allowed(const char *global) {
    static const char *const names[] = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2",
                                        "torch._utils _rebuild_tensor", "torch._utils _rebuild_parameter", "torch Size"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], global)) return true;
    return storage_dtype(global) >= 0;
}

static void push_global(pickle *k, const char *module, const char *name) {
    char *full = xasprintf("%.200s %.200s", module, name);
    if (!allowed(full)) {
        bad(k,
            "refused: it names %.100s.%.100s, which isn't part of a plain state_dict. Load it where it was made and save "
            "model.state_dict(), "
            "or safetensors, or export ONNX",
            module, name);
    } else {
        pickle_value *v = make(k, PICKLE_GLOBAL);
        if (v) v->text = full, full = NULL, push(k, v);
    }
    free(full);
}

static bool is_global(const pickle_value *v, const char *name) {
    return v->kind == PICKLE_GLOBAL && !strcmp(v->text, name);
}

/* ('storage', class, key, place, elements[, view]) */
static void push_storage(pickle *k) {
    const pickle_value *id = pop(k);
    if (!id) return;
    bool good = id->kind == PICKLE_TUPLE && id->items >= 5 && id->item[0]->kind == PICKLE_TEXT &&
                !strcmp(id->item[0]->text, "storage") && id->item[1]->kind == PICKLE_GLOBAL && id->item[2]->kind == PICKLE_TEXT &&
                id->item[4]->kind == PICKLE_INT;
    int dtype = good ? storage_dtype(id->item[1]->text) : -1;
    /* Every tensor copies its storage's key. */
    if (dtype < 0 || id->item[4]->number < 0 || strlen(id->item[2]->text) > MAX_KEY) {
        bad(k, "a persistent id that is no storage");
        return;
    }
    if (id->items > 5 && id->item[5]->kind != PICKLE_NONE) {
        bad(k, "a view of another storage (of a very old PyTorch)");
        return;
    }
    pickle_value *v = make(k, PICKLE_STORAGE);
    if (!v) return;
    v->dtype = dtype, v->text = xstrdup(id->item[2]->text), v->number = id->item[4]->number;
    push(k, v);
}

/* _rebuild_tensor_v2(storage, offset, size, stride, ...) */
static pickle_value *rebuild(pickle *k, const pickle_value *args) {
    const pickle_value *const *a = (const pickle_value *const *)args->item;
    bool good = args->items >= 4 && a[0]->kind == PICKLE_STORAGE && a[1]->kind == PICKLE_INT && a[2]->kind == PICKLE_TUPLE &&
                a[3]->kind == PICKLE_TUPLE && a[2]->items == a[3]->items && a[2]->items <= PICKLE_MAX_RANK && a[1]->number >= 0;
    pickle_value *v = good ? make(k, PICKLE_TENSOR) : NULL;
    if (!v) return bad(k, "a tensor that can't be rebuilt"), NULL;
    v->dtype = a[0]->dtype, v->text = xstrdup(a[0]->text), v->number = a[1]->number, v->rank = a[2]->items;
    int64_t last = a[1]->number, count = 1;
    for (int i = 0; i < v->rank; i++) {
        const pickle_value *size = a[2]->item[i], *stride = a[3]->item[i];
        if (size->kind != PICKLE_INT || stride->kind != PICKLE_INT || size->number < 0 || stride->number < 0 ||
            size->number > UINT32_MAX)
            return bad(k, "a tensor's size or stride isn't a whole number"), NULL;
        int64_t step;
        v->shape[i] = size->number, v->stride[i] = stride->number;
        if (__builtin_mul_overflow(count, size->number, &count) ||
            (size->number &&
             (__builtin_mul_overflow(size->number - 1, stride->number, &step) || __builtin_add_overflow(last, step, &last))))
            return bad(k, "a tensor too large for its storage"), NULL;
    }
    if (count && last >= a[0]->number) return bad(k, "a tensor reaches beyond its storage"), NULL;
    return v;
}

static void reduce(pickle *k) {
    pickle_value *args = pop(k), *f = args ? pop(k) : NULL, *result = NULL;
    if (!f) return;
    if (f->kind != PICKLE_GLOBAL || args->kind != PICKLE_TUPLE) {
        bad(k, "refused: a call of what isn't on the list");
        return;
    }
    if (is_global(f, "collections OrderedDict")) {
        if (!(result = make(k, PICKLE_DICT))) return;
        /* OrderedDict([(key, value), ...]) */
        for (int i = 0; args->items == 1 && args->item[0]->kind == PICKLE_LIST && i < args->item[0]->items; i++) {
            const pickle_value *pair = args->item[0]->item[i];
            if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->items != 2) {
                bad(k, "a malformed OrderedDict");
                return;
            }
            if (k->copied++ == MAX_COPIED) {
                bad(k, "more than %d items in OrderedDicts", MAX_COPIED);
                return;
            }
            append(result, pair->item[0]), append(result, pair->item[1]);
        }
    } else if (is_global(f, "torch Size")) {
        result = args->items == 1 ? args->item[0] : NULL;
    } else if (is_global(f, "torch._utils _rebuild_parameter")) {
        result = args->items ? args->item[0] : NULL;
    } else if (is_global(f, "torch._utils _rebuild_tensor_v2") || is_global(f, "torch._utils _rebuild_tensor")) {
        result = rebuild(k, args);
    }
    if (result)
        push(k, result);
    else
        bad(k, "refused: a call of %.100s", f->text);
}

static void set_items(pickle *k, pickle_value *dict, int from) {
    if (dict->kind != PICKLE_DICT || (dict->items - from) % 2) bad(k, "items set in what is no dictionary");
}

static void get_memo(pickle *k, uint64_t i) {
    if (i >= k->memo_size || !k->memo[i])
        bad(k, "a memo that isn't there");
    else
        push(k, k->memo[i]);
}

static void put_memo(pickle *k, uint64_t i) {
    pickle_value *v = top(k);
    if (!v) return;
    if (i >= MAX_MEMO) {
        bad(k, "more than %d memos", MAX_MEMO);
        return;
    }
    if (i >= k->memo_size) {
        size_t size = k->memo_size ? k->memo_size : 256;
        while (size <= i) size *= 2;
        k->memo = xrealloc(k->memo, size * sizeof(pickle_value *));
        memset(k->memo + k->memo_size, 0, (size - k->memo_size) * sizeof(pickle_value *));
        k->memo_size = size;
    }
    k->memos += !k->memo[i];
    k->memo[i] = v;
}

static void push_int(pickle *k, int64_t value, pickle_kind kind) {
    pickle_value *v = make(k, kind);
    if (v) v->number = value, push(k, v);
}

static void push_long(pickle *k, size_t n) {
    const unsigned char *p = bytes(k, n);
    uint64_t v = 0;
    if (!p) return;
    /* More than 8 bytes: only as the magic number of the old form, whose lower half will do. */
    for (size_t i = 0; i < n && i < 8; i++) v |= (uint64_t)p[i] << (8 * i);
    if (n && n < 8 && p[n - 1] & 0x80) v |= ~UINT64_C(0) << (8 * n);
    push_int(k, (int64_t)v, PICKLE_INT);
}

static void push_tuple(pickle *k, int n) {
    pickle_value *v = make(k, PICKLE_TUPLE), *item[3] = {0};
    for (int i = n - 1; i >= 0 && v; i--)
        if (!(item[i] = pop(k))) return;
    for (int i = 0; i < n && v; i++) append(v, item[i]);
    if (v) push(k, v);
}

static void collect(pickle *k, pickle_kind kind) {
    pickle_value *v = make(k, kind);
    if (v && take_marked(k, v)) push(k, v);
    if (v && kind == PICKLE_DICT) set_items(k, v, 0);
}

/* What is above the mark goes into the list or dictionary below it. */
static void extend(pickle *k, pickle_kind kind) {
    pickle_value items = {0};
    if (take_marked(k, &items)) {
        pickle_value *v = top(k);
        if (v && v->kind != kind) bad(k, "items added to what is no %s", kind == PICKLE_LIST ? "list" : "dictionary");
        if (kind == PICKLE_DICT && items.items % 2) bad(k, "a key without a value");
        for (int i = 0; i < items.items && !k->failed; i++) append(v, items.item[i]);
    }
    free(items.item);
}

static void append_one(pickle *k) {
    pickle_value *item = pop(k), *list = item ? top(k) : NULL;
    if (!list) return;
    if (list->kind != PICKLE_LIST)
        bad(k, "an item appended to what is no list");
    else
        append(list, item);
}

static void set_one(pickle *k) {
    pickle_value *value = pop(k), *key = value ? pop(k) : NULL, *dict = key ? top(k) : NULL;
    if (!dict) return;
    if (dict->kind != PICKLE_DICT)
        bad(k, "an item set in what is no dictionary");
    else
        append(dict, key), append(dict, value);
}

static void opcode(pickle *k, int op, bool *stop) {
    pickle_value *v;
    char *module, *name;
    switch (op) {
    case 0x80: /* PROTO */
        if (number(k, 1) > 5) bad(k, "a protocol above 5");
        return;
    case 0x95: /* FRAME */
        number(k, 8);
        return;
    case '(':
        push(k, NULL);
        return;
    case '.':
        if ((k->root = pop(k)) && k->depth) bad(k, "more than one value");
        *stop = true;
        return;
    case '0': /* POP */
        pop(k);
        return;
    case '1': /* POP_MARK */
        while (k->depth && k->stack[k->depth - 1]) k->depth--;
        if (k->depth-- == 0) k->depth = 0, bad(k, "no mark on the stack");
        return;
    case 'N':
        push_int(k, 0, PICKLE_NONE);
        return;
    case 0x88:
    case 0x89:
        push_int(k, op == 0x88, PICKLE_BOOL);
        return;
    case 'J':
        push_int(k, (int32_t)number(k, 4), PICKLE_INT);
        return;
    case 'K':
        push_int(k, (int64_t)number(k, 1), PICKLE_INT);
        return;
    case 'M':
        push_int(k, (int64_t)number(k, 2), PICKLE_INT);
        return;
    case 0x8a: /* LONG1 */
        push_long(k, number(k, 1));
        return;
    case 'G': /* BINFLOAT; nobody here needs its value */
        number(k, 8);
        push_int(k, 0, PICKLE_FLOAT);
        return;
    case 'X': /* BINUNICODE */
    case 'T': /* BINSTRING */
    case 'B': /* BINBYTES */
        if ((v = text_value(k, number(k, 4)))) push(k, v);
        return;
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':
    case 'C':
        if ((v = text_value(k, number(k, 1)))) push(k, v);
        return;
    case '}':
    case ']':
    case ')':
        if ((v = make(k, op == '}' ? PICKLE_DICT : op == ']' ? PICKLE_LIST : PICKLE_TUPLE))) push(k, v);
        return;
    case 't':
        collect(k, PICKLE_TUPLE);
        return;
    case 'l':
        collect(k, PICKLE_LIST);
        return;
    case 'd':
        collect(k, PICKLE_DICT);
        return;
    case 0x85:
    case 0x86:
    case 0x87:
        push_tuple(k, op - 0x84);
        return;
    case 'a':
        append_one(k);
        return;
    case 'e':
        extend(k, PICKLE_LIST);
        return;
    case 's':
        set_one(k);
        return;
    case 'u':
        extend(k, PICKLE_DICT);
        return;
    case 'c': /* GLOBAL */
        module = line(k), name = module ? line(k) : NULL;
        if (name) push_global(k, module, name);
        free(module), free(name);
        return;
    case 0x93: { /* STACK_GLOBAL */
        pickle_value *n = pop(k), *m = n ? pop(k) : NULL;
        if (m && (m->kind != PICKLE_TEXT || n->kind != PICKLE_TEXT)) bad(k, "a global whose name is no text");
        if (m && !k->failed) push_global(k, m->text, n->text);
        return;
    }
    case 'R':
        reduce(k);
        return;
    case 'b': /* BUILD: the attributes of a state_dict (its _metadata) are dropped; nothing else may have any */
        pop(k);
        if ((v = top(k)) && v->kind != PICKLE_DICT) bad(k, "refused: attributes set on what is no dictionary");
        return;
    case 'q':
        put_memo(k, number(k, 1));
        return;
    case 'r':
        put_memo(k, number(k, 4));
        return;
    case 0x94: /* MEMOIZE */
        put_memo(k, k->memos);
        return;
    case 'h':
        get_memo(k, number(k, 1));
        return;
    case 'j':
        get_memo(k, number(k, 4));
        return;
    case 'Q': /* BINPERSID */
        push_storage(k);
        return;
    default:
        bad(k, "refused: the pickle opcode 0x%02x isn't needed for weights", (unsigned)op);
    }
}

pickle *pickle_read(const unsigned char *p, size_t n, size_t *used, char err[PICKLE_ERROR]) {
    pickle *k = xarray(1, sizeof *k);
    k->p = p, k->end = p + n, k->err = err;
    bool stop = false;
    while (!stop && !k->failed) {
        const unsigned char *op = bytes(k, 1);
        if (op) opcode(k, *op, &stop);
    }
    *used = (size_t)(k->p - p);
    if (!k->failed) return k;
    pickle_free(k);
    return NULL;
}

const pickle_value *pickle_root(const pickle *k) {
    return k->root;
}

void pickle_free(pickle *k) {
    if (!k) return;
    for (int i = 0; i < k->values; i++) {
        free(k->value[i]->text);
        free(k->value[i]->item);
        free(k->value[i]);
    }
    free(k->value);
    free(k->stack);
    free(k->memo);
    free(k);
}

const pickle_value *pickle_get(const pickle_value *v, const char *key) {
    for (int i = 0; v && v->kind == PICKLE_DICT && i + 1 < v->items; i += 2)
        if (v->item[i]->kind == PICKLE_TEXT && !strcmp(v->item[i]->text, key)) return v->item[i + 1];
    return NULL;
}

int pickle_storage_dtype(const pickle *k, const char *key) {
    for (int i = 0; i < k->values; i++)
        if (k->value[i]->kind == PICKLE_STORAGE && !strcmp(k->value[i]->text, key)) return k->value[i]->dtype;
    return -1;
}
