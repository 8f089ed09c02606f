#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "crc.h"
#include "floats.h"

/* The file of an operand; sets name when it is PATH:NAME. */
static int open_operand(model *m, const char *operand) {
    int fd = open(operand, O_RDONLY | O_CLOEXEC);
    const char *colon = strrchr(operand, ':');
    m->path = xstrdup(operand);
    if (fd >= 0 || errno != ENOENT || !colon || colon == operand || strchr(colon, '/')) return fd;
    m->path[colon - operand] = 0;
    m->name = xstrdup(colon + 1);
    fd = open(m->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) m->path[colon - operand] = ':'; /* for the message */
    return fd;
}

/* The text of the network that is meant; NULL with a message. Sets m->name where the only network has one. */
static const char *find_text(model *m, text *buf, char err[MODEL_ERROR]) {
    text name = {0}, value = {0}, names = {0};
    int named = 0;
    for (size_t pos = 0; tns_meta_next(&m->header, &pos, &name, &value);)
        if (!strncmp(name.s, "net.", 4)) {
            named++;
            text_addf(&names, " %s", name.s + 4);
        }
    const char *found = NULL;
    bool plain = tns_meta_get(&m->header, "net", buf) != NULL;
    if (plain && !named) {
        if (m->name)
            snprintf(err, MODEL_ERROR, "%.300s: its only network has no name; leave out ':%.40s'", m->path, m->name);
        else
            found = buf->s;
    } else if (named > 1 && !m->name) {
        snprintf(err, MODEL_ERROR, "%.300s: holds several networks; say which, as %.100s:NAME:%.150s", m->path, m->path, names.s);
    } else if (named) {
        if (!m->name) m->name = xstrdup(names.s + 1);
        char *field = xasprintf("net.%s", m->name);
        found = tns_meta_get(&m->header, field, buf);
        free(field);
        if (!found) snprintf(err, MODEL_ERROR, "%.300s: holds no network '%.60s'; it holds:%.200s", m->path, m->name, names.s);
    } else {
        snprintf(err, MODEL_ERROR, "%.300s: no model: its header has no net=; wgt2tns and onnx2tns make models", m->path);
    }
    free(name.s), free(value.s), free(names.s);
    return found;
}

static bool read_records(model *m, tns_reader *r, char err[MODEL_ERROR], bool *corrupt) {
    tns_frame f = {0};
    text key = {0};
    int room = 0, got, segments = 0;
    while ((got = tns_read(r, &f)) > 0) {
        uint32_t sum = crc32_of(0, f.data, f.data_len);
        m->checksum = hash64(hash64(m->checksum, f.meta.t.s, f.meta.t.len), &sum, sizeof sum);
        if (f.type == 'H' && segments++ == 0) tns_meta_copy(&m->header, &f.meta);
        if (f.type != 'R') continue;
        if (m->records == room) {
            room = room ? 2 * room : 64;
            m->record = xrealloc(m->record, (size_t)room * sizeof *m->record);
        }
        const char *k = tns_meta_get(&f.meta, "key", &key);
        m->record[m->records] = (struct model_record){.key = xstrdup(k ? k : "")};
        tns_frame_swap(&m->record[m->records++].f, &f);
    }
    if (got < 0) {
        *corrupt = tns_reader_errno(r) == 0;
        snprintf(err, MODEL_ERROR, "%.500s", tns_reader_error(r));
    } else if (segments != 1) {
        *corrupt = true;
        snprintf(err, MODEL_ERROR, "%.300s: %d segments, where a model has one", m->path, segments);
    }
    tns_frame_free(&f);
    free(key.s);
    return got == 0 && segments == 1;
}

bool model_open(model *m, const char *operand, char err[MODEL_ERROR], bool *corrupt) {
    *m = (model){.checksum = HASH64_START};
    *corrupt = false;
    int fd = open_operand(m, operand);
    if (fd < 0) {
        snprintf(err, MODEL_ERROR, "%.300s: %s", m->path, strerror(errno));
        model_close(m);
        return false;
    }
    tns_reader *r = tns_reader_open(fd, m->path, 0);
    text source = {0};
    bool good = read_records(m, r, err, corrupt);
    if (good) {
        *corrupt = true;
        const char *s = find_text(m, &source, err);
        char net_err[NET_ERROR];
        net *n = s ? net_parse(s, m->path, net_err) : NULL;
        if (s && !n) snprintf(err, MODEL_ERROR, "%.400s", net_err);
        good = n != NULL;
        if (n) m->open = n->open;
        if (m->name) m->checksum = hash64(m->checksum, m->name, strlen(m->name));
        net_free(n);
    }
    tns_reader_close(r);
    close(fd);
    free(source.s);
    if (!good) model_close(m);
    return good;
}

static bool fill_param(const model *m, const net *n, const net_param *p, char err[MODEL_ERROR]) {
    char *key = m->name ? xasprintf("%s/%s", m->name, p->key) : xstrdup(p->key), want[80], have[80];
    const tns_frame *f = NULL;
    for (int i = 0; i < m->records; i++) {
        if (strcmp(m->record[i].key, key)) continue;
        if (f) {
            snprintf(err, MODEL_ERROR, "%.200s: two records are called %.200s", m->path, key);
            free(key);
            return false;
        }
        f = &m->record[i].f;
    }
    tns_frame shape = {.rank = p->rank};
    memcpy(shape.shape, p->shape, sizeof p->shape);
    tns_shape_text(&shape, want);
    bool good = false;
    if (!f) {
        snprintf(err, MODEL_ERROR, "%.200s: %.200s is missing", m->path, key);
    } else if (f->rank != p->rank || memcmp(f->shape, shape.shape, sizeof shape.shape)) {
        tns_shape_text(f, have);
        snprintf(err, MODEL_ERROR, "%.200s: %.200s is %s, the network wants %s", m->path, key, have, want);
    } else if (f->dtype >> 4 != 3 && f->dtype != TNS_BF16) {
        snprintf(err, MODEL_ERROR, "%.200s: %.200s is of %s; weights are f32, f64, f16 or bf16", m->path, key,
                 tns_dtype_name(f->dtype));
    } else {
        good = floats_of(f, net_param_data(n, p));
    }
    free(key);
    return good;
}

net *model_net(const model *m, int h, int w, int c, char err[MODEL_ERROR]) {
    text source = {0};
    char *field = m->name ? xasprintf("net.%s", m->name) : xstrdup("net"), net_err[NET_ERROR] = "";
    net *n = net_parse(tns_meta_get(&m->header, field, &source), m->path, net_err);
    bool good = n && net_shape(n, h, w, c, net_err);
    if (!good) snprintf(err, MODEL_ERROR, "%.500s", net_err);
    if (good && !net_alloc(n, &ops_f32)) die(EXIT_FAILED, "%s: not enough memory for its weights", m->path);
    for (int i = 0; good && i < n->params; i++) good = fill_param(m, n, &n->param[i], err);
    free(field);
    free(source.s);
    if (good) return n;
    net_free(n);
    return NULL;
}

void model_close(model *m) {
    for (int i = 0; i < m->records; i++) {
        free(m->record[i].key);
        tns_frame_free(&m->record[i].f);
    }
    free(m->record);
    free(m->path);
    free(m->name);
    tns_meta_free(&m->header);
    *m = (model){0};
}

char *model_label(const model *m, const char *layer) {
    const char *base = strrchr(m->path, '/');
    char *name = xstrdup(base ? base + 1 : m->path), *end = strstr(name, ".tns");
    if (end && !end[4]) *end = 0;
    char *full = xasprintf("%s%s%s%s%s", name, m->name ? ":" : "", m->name ? m->name : "", layer ? ":" : "", layer ? layer : "");
    free(name);
    return full;
}

void model_sign(const model *m, const char *label, tns_meta *header) {
    text sha = {0};
    tns_meta_set(header, "model", label);
    char *id = xasprintf("%016llx", (unsigned long long)hash64(m->checksum, label, strlen(label)));
    tns_meta_set(header, "model_id", id);
    tns_meta_drop(header, "source_sha256");
    if (tns_meta_get(&m->header, "source_sha256", &sha)) tns_meta_add(header, "source_sha256", sha.s);
    free(id);
    free(sha.s);
}
