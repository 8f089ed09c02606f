#include "weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc.h"
#include "npy.h"
#include "pickle.h"
#include "safetensors.h"
#include "zip.h"

enum { MAX_DEPTH = 3 };

static weight *add(weights *w, const char *name) {
    if ((w->count & (w->count - 1)) == 0)
        w->weight = xrealloc(w->weight, (size_t)(w->count ? 2 * w->count : 1) * sizeof *w->weight);
    weight *t = &w->weight[w->count++];
    *t = (weight){.name = xstrdup(name), .member = -1};
    return t;
}

static bool says(char err[WEIGHTS_ERROR], const char *where, const char *wrong) {
    snprintf(err, WEIGHTS_ERROR, "%.100s%s%.280s", where, *where ? ": " : "", wrong);
    return false;
}

/* Of an array without elements the strides may be beyond all numbers, and are never used. */
static int64_t wider(int64_t stride, uint64_t size) {
    return (int64_t)((uint64_t)stride * size);
}

/* ---- npz ---- */

static bool list_npz(weights *w, const zip *z, char err[WEIGHTS_ERROR]) {
    enum { MOST = (1 << 16) + 12 };
    unsigned char *head = xmalloc(MOST);
    bool good = true;
    for (int i = 0; i < z->count && good; i++) {
        const zip_member *m = &z->member[i];
        char name[256], why[256];
        size_t len = strlen(m->name), used = 0;
        npy_header h = {0};
        if (len > 4 && !strcmp(m->name + len - 4, ".npy")) len -= 4;
        snprintf(name, sizeof name, "%.*s", (int)(len < 250 ? len : 250), m->name);
        /* The header says in its first bytes how long it is. */
        size_t n = m->size < 12 ? (size_t)m->size : 12;
        const char *wrong = n < 12 ? "too short for an array" : zip_read(m, head, n);
        if (!wrong) {
            size_t length = head[6] == 1
                                ? 10 + ((size_t)head[8] | (size_t)head[9] << 8)
                                : 12 + ((size_t)head[8] | (size_t)head[9] << 8 | (size_t)head[10] << 16 | (size_t)head[11] << 24);
            n = length < MOST ? length : MOST;
            wrong = n > m->size ? "cut off in its header" : zip_read(m, head, n);
        }
        if (!wrong) wrong = npy_parse(head, n, &h, &used, why);
        if (!wrong && h.rank > TNS_MAX_RANK) wrong = "too many axes";
        weight *t = wrong ? NULL : add(w, name);
        uint64_t bytes = t ? tns_dtype_size(h.dtype) : 0;
        int64_t stride = 1;
        for (int k = 0; t && !wrong && k < h.rank; k++) {
            int axis = h.fortran ? k : h.rank - 1 - k;
            if (h.shape[axis] > UINT32_MAX || __builtin_mul_overflow(bytes, h.shape[axis], &bytes) || bytes > INT64_MAX)
                wrong = "too large";
            t->shape[axis] = (uint32_t)h.shape[axis], t->stride[axis] = stride, stride = wider(stride, h.shape[axis]);
        }
        if (!wrong && bytes != m->size - used) wrong = "its size isn't that of its shape";
        if (!wrong)
            t->dtype = h.dtype, t->rank = h.rank, t->member = i, t->skip = used, t->bytes = (size_t)bytes, t->swapped = h.swapped;
        if (wrong) good = says(err, name, wrong);
    }
    free(head);
    return good;
}

/* ---- PyTorch ---- */

/* The dictionary of tensors: the one under a usual name (a tensor may stand beside it: best_acc1), or the value itself. */
static const pickle_value *state_dict(const pickle_value *v, int depth) {
    static const char *const names[] = {"state_dict", "model_state_dict", "model", "ema", "params_ema", "params",
                                        "net",        "weights",          "module"};
    if (v->kind != PICKLE_DICT) return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && depth < MAX_DEPTH; i++) {
        const pickle_value *inner = pickle_get(v, names[i]), *found = inner ? state_dict(inner, depth + 1) : NULL;
        if (found) return found;
    }
    for (int i = 1; i < v->items; i += 2)
        if (v->item[i]->kind == PICKLE_TENSOR) return v;
    return NULL;
}

static bool list_tensors(weights *w, const pickle_value *root, char err[WEIGHTS_ERROR]) {
    const pickle_value *d = state_dict(root, 0);
    if (!d) return says(err, "", "a pickle without a dictionary of tensors; save model.state_dict()");
    for (int i = 0; i + 1 < d->items; i += 2) {
        const pickle_value *key = d->item[i], *v = d->item[i + 1];
        if (key->kind != PICKLE_TEXT || v->kind != PICKLE_TENSOR) continue;
        if (v->rank > TNS_MAX_RANK) return says(err, key->text, "too many axes");
        weight *t = add(w, key->text);
        t->dtype = v->dtype, t->rank = v->rank, t->offset = v->number;
        for (int k = 0; k < v->rank; k++) t->shape[k] = (uint32_t)v->shape[k], t->stride[k] = v->stride[k];
        t->storage = v->text;
    }
    return true;
}

/* Whether the tensor lies inside a storage of that many bytes. */
static bool fits(const weight *t, uint64_t bytes) {
    uint64_t last = (uint64_t)t->offset, size = tns_dtype_size(t->dtype);
    for (int k = 0; k < t->rank; k++) {
        if (!t->shape[k]) return true;
        last += (uint64_t)(t->shape[k] - 1) * (uint64_t)t->stride[k]; /* pickle.c has looked for overflow */
    }
    return last < bytes / size;
}

static bool list_torch(weights *w, const zip *z, const zip_member *pickled, uint64_t max_data, char err[WEIGHTS_ERROR]) {
    if (pickled->size > max_data || pickled->size > 1 << 28) return says(err, pickled->name, "too large");
    unsigned char *p = xmalloc((size_t)pickled->size + 1);
    size_t used, folder = strlen(pickled->name) - strlen("data.pkl");
    const char *wrong = zip_read(pickled, p, (size_t)pickled->size);
    char why[PICKLE_ERROR];
    pickle *k = wrong ? NULL : pickle_read(p, (size_t)pickled->size, &used, why);
    bool good = k ? list_tensors(w, pickle_root(k), err) : says(err, pickled->name, wrong ? wrong : why);
    char *order = xasprintf("%.*sbyteorder", (int)folder, pickled->name), value[4] = "";
    const zip_member *m = zip_find(z, order);
    if (good && m && m->size == 3 && !zip_read(m, value, 3) && !strcmp(value, "big"))
        good = says(err, "", "written on a big-endian machine");
    free(order);
    bool *verified = xarray((size_t)z->count + 1, sizeof *verified);
    for (int i = 0; good && i < w->count; i++) {
        weight *t = &w->weight[i];
        char *name = xasprintf("%.*sdata/%.200s", (int)folder, pickled->name, t->storage);
        m = zip_find(z, name);
        if (!m || !fits(t, m->size)) {
            good = says(err, t->name, m ? "it reaches beyond its storage" : "its storage is missing");
        } else {
            t->member = (int)(m - z->member), t->bytes = (size_t)m->size;
            if (!m->deflated) { /* as PyTorch writes it: read where it is, so its checksum is looked at here, once a member */
                bool *seen = &verified[t->member];
                if (!*seen && crc32_of(0, m->data, (size_t)m->size) != m->crc)
                    good = says(err, t->name, "is damaged: its checksum differs");
                *seen = true;
                t->data = m->data, t->member = -1;
            }
        }
        free(name);
    }
    free(verified);
    pickle_free(k);
    free(p);
    return good;
}

static uint64_t number(const unsigned char *p, int bytes) {
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

/* The old form: pickles of a magic number, a version, the machine, the object, the storages' keys; then each storage: 8 bytes of count, its elements. */
static bool list_old(weights *w, const unsigned char *p, size_t n, char err[WEIGHTS_ERROR]) {
    pickle *k[5] = {0};
    char why[PICKLE_ERROR];
    bool good = true;
    for (int i = 0; i < 5 && good; i++) {
        size_t used = 0;
        k[i] = pickle_read(p, n, &used, why);
        if (k[i]) p += used, n -= used;
        good = k[i] || says(err, "", why);
    }
    const pickle_value *little = good ? pickle_get(pickle_root(k[2]), "little_endian") : NULL;
    if (little && little->kind == PICKLE_BOOL && !little->number) good = says(err, "", "written on a big-endian machine");
    good = good && list_tensors(w, pickle_root(k[3]), err);
    const pickle_value *keys = good ? pickle_root(k[4]) : NULL;
    if (good && keys->kind != PICKLE_LIST) good = says(err, "", "no list of storages");
    for (int i = 0; good && i < keys->items; i++) {
        const char *key = keys->item[i]->kind == PICKLE_TEXT ? keys->item[i]->text : "";
        int dtype = pickle_storage_dtype(k[3], key); /* of an optimiser's too, which no weight has */
        size_t size = dtype < 0 ? 0 : tns_dtype_size(dtype);
        if (n < 8 || !size || number(p, 8) > (n - 8) / size) {
            good = says(err, key, size ? "its storage is cut off" : "a storage that the pickle doesn't name");
            break;
        }
        size_t bytes = (size_t)number(p, 8) * size;
        for (int j = 0; j < w->count && good; j++) {
            weight *t = &w->weight[j];
            if (t->data || strcmp(t->storage, key)) continue;
            t->data = p + 8, t->bytes = bytes;
            if (!fits(t, bytes)) good = says(err, t->name, "it reaches beyond its storage");
        }
        p += 8 + bytes, n -= 8 + bytes;
    }
    for (int j = 0; j < w->count && good; j++)
        if (!w->weight[j].data) good = says(err, w->weight[j].name, "its storage is missing");
    for (int i = 0; i < 5; i++) pickle_free(k[i]);
    return good;
}

/* ---- all ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_differ(const weights *w, char err[WEIGHTS_ERROR]) {
    char **name = xarray((size_t)w->count + 1, sizeof *name);
    bool good = true;
    for (int i = 0; i < w->count; i++) name[i] = w->weight[i].name;
    qsort(name, (size_t)w->count, sizeof *name, by_name);
    for (int i = 1; i < w->count && good; i++)
        if (!strcmp(name[i - 1], name[i])) good = says(err, name[i], "two tensors have this name");
    free(name);
    return good;
}

bool weights_open(weights *w, const unsigned char *p, size_t n, uint64_t max_data, char err[WEIGHTS_ERROR]) {
    *w = (weights){0};
    bool good = false;
    if (n >= 4 && !memcmp(p, "PK\3\4", 4)) {
        zip *z = w->archive = xarray(1, sizeof *z);
        char why[ZIP_ERROR];
        const char *wrong = zip_open(z, p, n, why);
        const zip_member *pickled = NULL;
        for (int i = 0; i < z->count && !pickled; i++) {
            size_t len = strlen(z->member[i].name);
            if (len >= 8 && !strcmp(z->member[i].name + len - 8, "data.pkl")) pickled = &z->member[i];
        }
        w->form = pickled ? "PyTorch" : "npz";
        good = wrong ? says(err, "", wrong) : pickled ? list_torch(w, z, pickled, max_data, err) : list_npz(w, z, err);
    } else if (n >= 16 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5 &&
               memmem(p, 16, "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10)) {
        w->form = "PyTorch (old form)";
        good = list_old(w, p, n, err);
    } else if (safetensors_is(p, n)) {
        w->form = "safetensors";
        const char *wrong = safetensors_list(w, p, n, err);
        good = !wrong || (wrong == err ? false : says(err, "", wrong));
        for (int i = 0; i < w->count && good; i++) {
            int64_t stride = 1;
            for (int k = w->weight[i].rank - 1; k >= 0; k--)
                w->weight[i].stride[k] = stride, stride = wider(stride, w->weight[i].shape[k]);
        }
    } else {
        says(err, "", "neither .npz, .safetensors nor PyTorch weights (for .onnx there is onnx2tns)");
    }
    for (int i = 0; i < w->count && good; i++) {
        const weight *t = &w->weight[i];
        uint64_t bytes = tns_dtype_size(t->dtype);
        for (int k = 0; k < t->rank; k++)
            if (__builtin_mul_overflow(bytes, (uint64_t)t->shape[k], &bytes)) bytes = UINT64_MAX;
        if (bytes > max_data || t->bytes > max_data) good = says(err, t->name, "larger than --max-record allows");
    }
    good = good && names_differ(w, err);
    if (!good) weights_close(w);
    return good;
}

bool weights_read(const weights *w, int i, tns_frame *f, char err[WEIGHTS_ERROR]) {
    const weight *t = &w->weight[i];
    const unsigned char *data = t->data;
    unsigned char *own = NULL;
    if (!tns_frame_shape(f, t->dtype, t->rank, t->shape)) out_of_memory(0); /* that it isn't too large, weights_open has seen */
    if (t->member >= 0) {
        const zip *z = w->archive;
        const zip_member *m = &z->member[t->member];
        own = xmalloc((size_t)m->size + 1);
        const char *wrong = zip_read(m, own, (size_t)m->size);
        if (wrong) return free(own), says(err, t->name, wrong);
        data = own + t->skip;
    }
    /* Element by element in the tensor's order; whole rows where the last axis is dense. */
    size_t size = tns_dtype_size(t->dtype), count = tns_frame_count(f), row = 1;
    int axes = t->rank;
    if (axes && t->stride[axes - 1] == 1) row = t->shape[--axes];
    uint32_t index[TNS_MAX_RANK] = {0};
    unsigned char *to = f->data;
    for (size_t done = 0; done < count; done += row) {
        int64_t at = t->offset;
        for (int k = 0; k < axes; k++) at += (int64_t)index[k] * t->stride[k];
        memcpy(to + done * size, data + (size_t)at * size, row * size);
        for (int k = axes - 1; k >= 0 && ++index[k] == t->shape[k]; k--) index[k] = 0;
    }
    if (t->swapped) npy_swap(f->data, count, size);
    free(own);
    return true;
}

void weights_close(weights *w) {
    for (int i = 0; i < w->count; i++) free(w->weight[i].name);
    if (w->archive) zip_close(w->archive);
    free(w->archive);
    free(w->weight);
    *w = (weights){0};
}
