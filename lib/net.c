#include "net.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "rng.h"

enum { MAX_SIDE = 1 << 16, MAX_KERNEL = 1024, MAX_WORDS = 128 };
#define MAX_COUNT (INT64_C(1) << 30) /* elements of a sample at any layer, and of one parameter */

/* ---- the ops and what each may be given ---- */

static const struct op_info {
    const char *name;
    op_kind op;
    act_kind act;
    int min_inputs, max_inputs;
    int min_args, max_args; /* words without '=' */
    const char *attributes; /* " stride pad ", blank-separated with blanks around */
} op_table[] = {
    {"input", OP_INPUT, 0, 0, 0, 0, 1, " range "},
    {"dense", OP_DENSE, 0, 1, 1, 1, 1, " bias init "},
    {"conv", OP_CONV, 0, 1, 1, 2, 2, " stride pad dilation groups bias init "},
    {"convt", OP_CONVT, 0, 1, 1, 2, 2, " stride crop bias init "},
    {"batchnorm", OP_BATCHNORM, 0, 1, 1, 0, 0, " eps momentum unbiased init "},
    {"layernorm", OP_LAYERNORM, 0, 1, 1, 0, 0, " eps init "},
    {"relu", OP_ACT, ACT_RELU, 1, 1, 0, 0, " "},
    {"leaky", OP_ACT, ACT_LEAKY, 1, 1, 1, 1, " "},
    {"elu", OP_ACT, ACT_ELU, 1, 1, 1, 1, " "},
    {"tanh", OP_ACT, ACT_TANH, 1, 1, 0, 0, " "},
    {"sigmoid", OP_ACT, ACT_SIGMOID, 1, 1, 0, 0, " "},
    {"silu", OP_ACT, ACT_SILU, 1, 1, 0, 0, " "},
    {"maxpool", OP_MAXPOOL, 0, 1, 1, 1, 1, " stride pad "},
    {"avgpool", OP_AVGPOOL, 0, 1, 1, 1, 1, " stride pad count_pad "},
    {"gap", OP_GAP, 0, 1, 1, 0, 0, " "},
    {"dropout", OP_DROPOUT, 0, 1, 1, 1, 1, " "},
    {"reshape", OP_RESHAPE, 0, 1, 1, 1, 1, " "},
    {"flatten", OP_FLATTEN, 0, 1, 1, 0, 0, " "},
    {"upsample", OP_UPSAMPLE, 0, 1, 1, 1, 1, " "},
    {"add", OP_ADD, 0, 2, NET_MAX_LAYERS, 0, 0, " "},
    {"concat", OP_CONCAT, 0, 2, NET_MAX_LAYERS, 0, 0, " "},
};

static const struct op_info *find_op(const char *word) {
    for (size_t i = 0; i < sizeof op_table / sizeof *op_table; i++)
        if (!strcmp(op_table[i].name, word)) return &op_table[i];
    return NULL;
}

/* ---- errors: the first one is kept ---- */

typedef struct {
    net *n;
    int line;
    char *err;
    bool failed;
} parser;

static bool bad(parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool bad(parser *p, const char *fmt, ...) {
    if (p->failed) return false;
    p->failed = true;
    int k = snprintf(p->err, NET_ERROR, "%.150s:%d: ", p->n->file, p->line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->err + k, NET_ERROR - (size_t)k, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- words to numbers ---- */

static bool whole(parser *p, const char *what, const char *word, int min, int max, int *out) {
    int64_t v;
    if (!parse_i64(word, &v) || v < min || v > max)
        return bad(p, "%s '%.60s' isn't a whole number from %d to %d", what, word, min, max);
    *out = (int)v;
    return true;
}

static bool number(parser *p, const char *what, const char *word, double min, double max, double *out) {
    double v;
    if (!parse_f64(word, &v) || v < min || v > max)
        return bad(p, "%s '%.60s' isn't a number from %g to %g", what, word, min, max);
    *out = v;
    return true;
}

static bool yes_no(parser *p, const char *what, const char *word, bool *out) {
    *out = !strcmp(word, "yes");
    return *out || !strcmp(word, "no") || bad(p, "%s is yes or no, not '%.60s'", what, word);
}

/* Splits word at sep into at most 3 whole numbers; their count, 0 when malformed. */
static int numbers(const char *word, char sep, int64_t v[3]) {
    char part[24];
    int n = 0;
    for (;;) {
        size_t len = strcspn(word, (char[]){sep, 0});
        if (n == 3 || len >= sizeof part) return 0;
        memcpy(part, word, len);
        part[len] = 0;
        if (!parse_i64(part, &v[n++])) return 0;
        if (!word[len]) return n;
        word += len + 1;
    }
}

static bool kernel(parser *p, const char *word, net_layer *l) {
    int64_t v[3];
    int n = numbers(word, 'x', v);
    if (n == 1) v[1] = v[0];
    if ((n != 1 && n != 2) || v[0] < 1 || v[1] < 1 || v[0] > MAX_KERNEL || v[1] > MAX_KERNEL)
        return bad(p, "kernel '%.60s' isn't K or KxK", word);
    l->kh = (int)v[0], l->kw = (int)v[1];
    return true;
}

/* "32" or "8x8x128" */
static bool size(parser *p, const char *word, net_layer *l) {
    int64_t v[3];
    int n = numbers(word, 'x', v);
    bool good = n == 1 || n == 3;
    for (int i = 0; i < n && good; i++) good = v[i] >= 1 && v[i] <= (n == 1 ? MAX_COUNT : MAX_SIDE);
    if (!good || (n == 3 && v[0] * v[1] * v[2] > MAX_COUNT)) return bad(p, "size '%.60s' isn't C or HxWxC", word);
    l->flat = n == 1;
    l->h = n == 1 ? 1 : (int)v[0], l->w = n == 1 ? 1 : (int)v[1], l->c = (int)v[n - 1];
    return true;
}

/* "P", "B,A" (both axes alike) or "same" */
static bool border(parser *p, const char *what, const char *word, net_layer *l, bool same_allowed) {
    if (same_allowed && !strcmp(word, "same")) return l->same = true;
    if (same_allowed && !strcmp(word, "valid")) return true;
    int64_t v[3];
    int n = numbers(word, ',', v);
    if (n == 1) v[1] = v[0];
    if ((n != 1 && n != 2) || v[0] < 0 || v[1] < 0 || v[0] > MAX_KERNEL || v[1] > MAX_KERNEL)
        return bad(p, "%s '%.60s' isn't P%s", what, word, same_allowed ? ", B,A, same or valid" : " or B,A");
    l->before = (int)v[0], l->after = (int)v[1];
    return true;
}

static bool pair(const char *word, char sep, double *a, double *b) {
    char part[64];
    size_t len = strcspn(word, (char[]){sep, 0});
    if (!word[len] || len >= sizeof part) return false;
    memcpy(part, word, len);
    part[len] = 0;
    return parse_f64(part, a) && parse_f64(word + len + 1, b);
}

static bool initialiser(parser *p, const char *word, net_layer *l) {
    static const char *const names[] = {"glorot", "he", "torch", "normal:", "zeros", "ones"};
    for (int i = 0; i < 6; i++) {
        if (i == INIT_NORMAL && !strncmp(word, "normal:", 7)) {
            if (!pair(word + 7, ',', &l->init_a, &l->init_b) || l->init_b < 0) break;
        } else if (strcmp(word, names[i])) {
            continue;
        }
        l->init = (init_kind)i;
        return true;
    }
    return bad(p, "init '%.60s' isn't glorot, he, torch, normal:MEAN,STD, zeros or ones", word);
}

static bool attribute(parser *p, const struct op_info *info, char *word, net_layer *l) {
    char *eq = strchr(word, '='), *value = eq + 1, key[40];
    *eq = 0;
    snprintf(key, sizeof key, " %.30s ", word);
    if (!strstr(info->attributes, key)) {
        if (!info->attributes[1]) return bad(p, "%s takes no attributes ('%.60s=')", info->name, word);
        return bad(p, "%s has no attribute '%.60s'; it has:%.80s", info->name, word, info->attributes);
    }
    net *n = p->n;
    if (!strcmp(word, "stride")) return whole(p, word, value, 1, MAX_KERNEL, &l->stride);
    if (!strcmp(word, "dilation")) return whole(p, word, value, 1, MAX_KERNEL, &l->dilation);
    if (!strcmp(word, "groups")) return whole(p, word, value, 1, MAX_SIDE, &l->groups);
    if (!strcmp(word, "pad")) return border(p, word, value, l, true);
    if (!strcmp(word, "crop")) return border(p, word, value, l, false);
    if (!strcmp(word, "bias")) return yes_no(p, word, value, &l->bias);
    if (!strcmp(word, "count_pad")) return yes_no(p, word, value, &l->count_pad);
    if (!strcmp(word, "unbiased")) return yes_no(p, word, value, &l->unbiased);
    if (!strcmp(word, "eps")) return number(p, word, value, 1e-12, 1, &l->eps);
    if (!strcmp(word, "momentum")) return number(p, word, value, 0, 1, &l->momentum);
    if (!strcmp(word, "init")) return initialiser(p, value, l);
    n->has_range = pair(value, ':', &n->range_lo, &n->range_hi) && n->range_lo < n->range_hi; /* range */
    return n->has_range || bad(p, "range '%.60s' isn't LO:HI", value);
}

static bool argument(parser *p, const struct op_info *info, int index, const char *word, net_layer *l) {
    switch (info->op) {
    case OP_INPUT:
    case OP_RESHAPE:
        return size(p, word, l);
    case OP_DENSE:
        return whole(p, "size", word, 1, 1 << 24, &l->out);
    case OP_CONV:
    case OP_CONVT:
        return index == 0 ? whole(p, "channels", word, 1, MAX_SIDE, &l->out) : kernel(p, word, l);
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        return kernel(p, word, l);
    case OP_DROPOUT:
        return number(p, "rate", word, 0, .999, &l->rate);
    case OP_UPSAMPLE:
        return whole(p, "factor", word, 1, 64, &l->kh);
    case OP_ACT:
        return number(p, "alpha", word, 0, 100, &l->act.alpha);
    default:
        return bad(p, "%s takes no '%.60s'", info->name, word);
    }
}

static int find_layer(const net *n, const char *name) {
    for (int i = 0; i < n->layers; i++)
        if (*n->layer[i].name && !strcmp(n->layer[i].name, name)) return i;
    return -1;
}

static bool valid_name(const char *s) {
    if (!isalpha((unsigned char)*s)) return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_.-", *s)) return false;
    return true;
}

static bool parse_line(parser *p, char **word, int words) {
    net *n = p->n;
    const struct op_info *info = find_op(word[0]);
    const char *name = "";
    int at = 1;
    if (!info) {
        if (words < 2) return bad(p, "unknown op '%.60s'", word[0]);
        if (!(info = find_op(word[1]))) return bad(p, "neither '%.60s' nor '%.60s' is an op", word[0], word[1]);
        name = word[0];
        at = 2;
        if (!valid_name(name)) return bad(p, "'%.60s' is no name: letters, digits, _ . - after a letter", name);
        if (find_layer(n, name) >= 0) return bad(p, "the name '%.60s' is taken", name);
    } else if (info->op == OP_INPUT) {
        name = "input";
    }
    if ((info->op == OP_INPUT) != (n->layers == 0))
        return bad(p, n->layers ? "a second input" : "the first line must be `input`");
    if (n->layers == NET_MAX_LAYERS) return bad(p, "more than %d layers", NET_MAX_LAYERS);
    bool parametrised = info->op == OP_DENSE || info->op == OP_CONV || info->op == OP_CONVT || info->op == OP_BATCHNORM ||
                        info->op == OP_LAYERNORM;
    if (parametrised && !*name) return bad(p, "%s has parameters, so it needs a name: `NAME %s ...`", info->name, info->name);

    net_layer *l = &n->layer[n->layers];
    *l = (net_layer){.op = info->op,
                     .line = p->line,
                     .stride = 1,
                     .dilation = 1,
                     .groups = 1,
                     .bias = true,
                     .eps = 1e-3,
                     .momentum = .99,
                     .alias = -1,
                     .weight = -1,
                     .bias_param = -1,
                     .mean = -1,
                     .var = -1};
    l->act.kind = info->act;
    l->name = xstrdup(name);
    l->input = xarray((size_t)words + 1, sizeof *l->input);
    n->layers++; /* from here on net_free frees it */
    if (info->op == OP_BATCHNORM || info->op == OP_LAYERNORM) l->init = INIT_ONES;
    if (info->op == OP_MAXPOOL || info->op == OP_AVGPOOL) l->stride = 0; /* the kernel's, unless given */

    int args = 0;
    for (; at < words && strcmp(word[at], "<"); at++) {
        if (strchr(word[at], '=')) {
            if (!attribute(p, info, word[at], l)) return false;
        } else {
            if (args == info->max_args) return bad(p, "%s: one argument too many: '%.60s'", info->name, word[at]);
            if (!argument(p, info, args++, word[at], l)) return false;
        }
    }
    if (args < info->min_args)
        return bad(p, "%s wants %s", info->name, info->max_args == 2 ? "channels and a kernel" : "an argument");
    if (info->op == OP_INPUT && args == 0) n->open = true;
    if (at < words) {
        if (info->op == OP_INPUT) return bad(p, "input has no inputs");
        if (++at == words) return bad(p, "no input after '<'");
        for (; at < words; at++) {
            int i = find_layer(n, word[at]);
            if (i < 0 || i == n->layers - 1) return bad(p, "no line above is called '%.60s'", word[at]);
            l->input[l->inputs++] = i;
        }
    } else if (info->op != OP_INPUT) {
        l->input[l->inputs++] = n->layers - 2;
    }
    if (l->inputs < info->min_inputs) return bad(p, "%s wants %d inputs: `%s < A B`", info->name, info->min_inputs, info->name);
    if (l->inputs > info->max_inputs)
        return bad(p, "%s takes %d input%s", info->name, info->max_inputs, info->max_inputs == 1 ? "" : "s");
    return true;
}

net *net_parse(const char *source, const char *file, char err[NET_ERROR]) {
    net *n = xarray(1, sizeof *n);
    n->text = xstrdup(source);
    n->file = xstrdup(file);
    n->layer = xarray(NET_MAX_LAYERS, sizeof *n->layer);
    parser p = {.n = n, .err = err};
    if (strlen(source) > NET_MAX_TEXT) bad(&p, "over 1 MiB");
    for (const char *s = source; *s && !p.failed;) {
        size_t len = strcspn(s, "\n");
        char *line = strndup(s, len), *save, *word[MAX_WORDS];
        if (!line) die(EXIT_FAILED, "out of memory");
        p.line++;
        int words = 0;
        char *comment = strchr(line, '#');
        if (comment) *comment = 0;
        for (char *w = strtok_r(line, " \t\r", &save); w && !p.failed; w = strtok_r(NULL, " \t\r", &save)) {
            if (words == MAX_WORDS)
                bad(&p, "more than %d words", MAX_WORDS);
            else
                word[words++] = w;
        }
        if (words && !p.failed) parse_line(&p, word, words);
        free(line);
        s += len + (s[len] == '\n');
    }
    if (!p.failed && n->layers == 0) bad(&p, "no layers: a network begins with `input`");
    if (!p.failed) return n;
    net_free(n);
    return NULL;
}

net *net_load(const char *path, char err[NET_ERROR]) {
    size_t len;
    char *s = read_file(path, NET_MAX_TEXT, &len);
    if (!s) {
        snprintf(err, NET_ERROR, "%.200s: %s", path, strerror(errno));
        return NULL;
    }
    net *n = NULL;
    if (strlen(s) != len)
        snprintf(err, NET_ERROR, "%.200s: not a text", path);
    else
        n = net_parse(s, path, err);
    free(s);
    return n;
}

void net_free(net *n) {
    if (!n) return;
    for (int i = 0; i < n->layers; i++) {
        free(n->layer[i].name);
        free(n->layer[i].input);
    }
    for (int i = 0; i < n->params; i++) free(n->param[i].key);
    free(n->layer);
    free(n->param);
    free(n->text);
    free(n->file);
    free(n->weights);
    free(n->grads);
    free(n->stats);
    free(n);
}

/* ---- shapes ---- */

static int add_param(net *n, int layer, const char *suffix, bool trained, int rank, const uint32_t *shape) {
    net_param *q = &n->param[n->params];
    *q = (net_param){
        .key = xasprintf("%s.%s", n->layer[layer].name, suffix), .rank = rank, .count = 1, .trained = trained, .layer = layer};
    for (int i = 0; i < rank; i++) q->count *= q->shape[i] = shape[i];
    size_t *total = trained ? &n->weight_count : &n->stat_count;
    q->offset = *total;
    *total += (q->count + 15) / 16 * 16; /* 64-byte aligned in floats */
    return n->params++;
}

/* Output size of a window along one axis; sets the padding for `same`. 0 when it doesn't fit. */
static int window(const net_layer *l, int in, int k, int *before) {
    int span = l->dilation * (k - 1) + 1;
    *before = l->before;
    if (l->same) {
        int out = (in + l->stride - 1) / l->stride, total = (out - 1) * l->stride + span - in;
        *before = total > 0 ? total / 2 : 0;
        return out;
    }
    int room = in + l->before + l->after - span;
    return room < 0 ? 0 : room / l->stride + 1;
}

static bool shape_layer(parser *p, int i) {
    net *n = p->n;
    net_layer *l = &n->layer[i];
    const net_layer *x = l->inputs ? &n->layer[l->input[0]] : NULL;
    int before;
    if (x && l->op != OP_RESHAPE) l->h = x->h, l->w = x->w, l->c = x->c, l->flat = x->flat;
    bool image = l->op == OP_CONV || l->op == OP_CONVT || l->op == OP_MAXPOOL || l->op == OP_AVGPOOL || l->op == OP_GAP ||
                 l->op == OP_UPSAMPLE;
    if (image && x->flat) return bad(p, "wants an image, the input is a vector of %d; put `reshape HxWxC` before it", x->c);
    switch (l->op) {
    case OP_DENSE: {
        if (!x->flat) return bad(p, "dense wants a vector, the input is %dx%dx%d; put `flatten` before it", x->h, x->w, x->c);
        if ((int64_t)l->out * x->c > MAX_COUNT) return bad(p, "%d x %d weights are too many", l->out, x->c);
        l->c = l->out;
        l->weight = add_param(n, i, "weight", true, 2, (uint32_t[]){(uint32_t)l->out, (uint32_t)x->c});
        break;
    }
    case OP_CONV:
        if (x->c % l->groups || l->out % l->groups)
            return bad(p, "%d and %d channels don't divide into %d groups", x->c, l->out, l->groups);
        if ((int64_t)l->out * (x->c / l->groups) * l->kh * l->kw > MAX_COUNT) return bad(p, "too many weights");
        l->h = window(l, x->h, l->kh, &before);
        l->w = window(l, x->w, l->kw, &before);
        l->c = l->out;
        l->weight = add_param(n, i, "weight", true, 4,
                              (uint32_t[]){(uint32_t)l->out, (uint32_t)(x->c / l->groups), (uint32_t)l->kh, (uint32_t)l->kw});
        break;
    case OP_CONVT:
        if ((int64_t)l->out * x->c * l->kh * l->kw > MAX_COUNT) return bad(p, "too many weights");
        if (l->before >= l->kh || l->before >= l->kw) return bad(p, "crop=%d,%d is wider than the kernel", l->before, l->after);
        l->h = (x->h - 1) * l->stride + l->kh - l->before - l->after;
        l->w = (x->w - 1) * l->stride + l->kw - l->before - l->after;
        l->c = l->out;
        l->weight =
            add_param(n, i, "weight", true, 4, (uint32_t[]){(uint32_t)x->c, (uint32_t)l->out, (uint32_t)l->kh, (uint32_t)l->kw});
        break;
    case OP_BATCHNORM:
    case OP_LAYERNORM:
        l->weight = add_param(n, i, "weight", true, 1, (uint32_t[]){(uint32_t)l->c});
        l->bias_param = add_param(n, i, "bias", true, 1, (uint32_t[]){(uint32_t)l->c});
        if (l->op == OP_BATCHNORM) {
            l->mean = add_param(n, i, "running_mean", false, 1, (uint32_t[]){(uint32_t)l->c});
            l->var = add_param(n, i, "running_var", false, 1, (uint32_t[]){(uint32_t)l->c});
        }
        break;
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        if (!l->stride) l->stride = l->kh;
        if (!l->same && (l->before >= l->kh || l->before >= l->kw || l->after >= l->kh || l->after >= l->kw))
            return bad(p, "padding as wide as the window");
        l->h = window(l, x->h, l->kh, &before);
        l->w = window(l, x->w, l->kw, &before);
        break;
    case OP_GAP:
        l->h = l->w = 1;
        l->flat = true;
        break;
    case OP_RESHAPE: {
        int64_t have = (int64_t)x->h * x->w * x->c, want = (int64_t)l->h * l->w * l->c;
        if (have != want)
            return bad(p, "can't reshape %dx%dx%d (%lld) to %lld", x->h, x->w, x->c, (long long)have, (long long)want);
        break;
    }
    case OP_FLATTEN: {
        int64_t count = (int64_t)x->h * x->w * x->c;
        l->h = l->w = 1, l->c = (int)count, l->flat = true;
        break;
    }
    case OP_UPSAMPLE:
        l->h *= l->kh;
        l->w *= l->kh;
        break;
    case OP_ADD:
    case OP_CONCAT:
        for (int k = 1; k < l->inputs; k++) {
            const net_layer *y = &n->layer[l->input[k]];
            if (y->h != x->h || y->w != x->w || y->flat != x->flat || (l->op == OP_ADD && y->c != x->c))
                return bad(p, "inputs of %dx%dx%d and %dx%dx%d don't fit together", x->h, x->w, x->c, y->h, y->w, y->c);
            if (l->op != OP_CONCAT) continue;
            if (l->c > MAX_COUNT - y->c) return bad(p, "an output of more than %lld channels is too large", (long long)MAX_COUNT);
            l->c += y->c;
        }
        break;
    default:
        break;
    }
    if ((l->op == OP_DENSE || l->op == OP_CONV || l->op == OP_CONVT) && l->bias)
        l->bias_param = add_param(n, i, "bias", true, 1, (uint32_t[]){(uint32_t)l->c});
    if (l->h < 1 || l->w < 1) return bad(p, "the input of %dx%d is smaller than the window", x->h, x->w);
    if (l->h > MAX_SIDE || l->w > MAX_SIDE || (int64_t)l->h * l->w > MAX_COUNT || (int64_t)l->h * l->w * l->c > MAX_COUNT)
        return bad(p, "an output of %dx%dx%d is too large", l->h, l->w, l->c);
    return true;
}

/* A piecewise activation right after a linear or normalising layer that nobody else reads becomes part of it. silu's
 * derivative needs its input, which fusing would lose. */
static void fuse_activations(net *n) {
    for (int i = 1; i < n->layers; i++) {
        net_layer *l = &n->layer[i];
        if (l->op != OP_ACT || l->act.kind == ACT_SILU) continue;
        net_layer *x = &n->layer[l->input[0]];
        bool takes = x->op == OP_DENSE || x->op == OP_CONV || x->op == OP_CONVT || x->op == OP_BATCHNORM || x->op == OP_LAYERNORM;
        if (!takes || x->consumers != 1 || x->act.kind != ACT_NONE) continue;
        x->act = l->act;
        l->alias = l->input[0];
    }
}

bool net_shape(net *n, int h, int w, int c, char err[NET_ERROR]) {
    parser p = {.n = n, .err = err};
    net_layer *in = &n->layer[0];
    p.line = in->line;
    if (n->open) {
        if (h < 1 || w < 1 || c < 1 || h > MAX_SIDE || w > MAX_SIDE || c > MAX_SIDE || (int64_t)h * w * c > MAX_COUNT)
            return bad(&p, "the input's size is open, and none was given");
        in->h = h, in->w = w, in->c = c;
    } else if (h && (h != in->h || w != in->w || c != in->c)) {
        return bad(&p, "the network wants %dx%dx%d, the data is %dx%dx%d", in->h, in->w, in->c, h, w, c);
    }
    n->param = xarray((size_t)n->layers * 4, sizeof *n->param);
    for (int i = 1; i < n->layers; i++) {
        p.line = n->layer[i].line;
        if (!shape_layer(&p, i)) return false;
        for (int k = 0; k < n->layer[i].inputs; k++) n->layer[n->layer[i].input[k]].consumers++;
        if (n->layer[i].op == OP_RESHAPE || n->layer[i].op == OP_FLATTEN) n->layer[i].alias = n->layer[i].input[0];
    }
    fuse_activations(n);
    return n->shaped = true;
}

size_t net_trainable(const net *n) {
    size_t sum = 0;
    for (int i = 0; i < n->params; i++)
        if (n->param[i].trained) sum += n->param[i].count;
    return sum;
}

double net_macs(const net *n) {
    double sum = 0;
    for (int i = 0; i < n->layers; i++) {
        const net_layer *l = &n->layer[i];
        if (l->op != OP_DENSE && l->op != OP_CONV && l->op != OP_CONVT) continue;
        const net_layer *at = l->op == OP_CONVT ? &n->layer[l->input[0]] : l; /* each weight works once at each of these pixels */
        sum += (double)n->param[l->weight].count * at->h * at->w;
    }
    return sum;
}

/* ---- parameters ---- */

bool net_alloc(net *n, const ops *o) {
    n->ops = o;
    n->weights = aligned_alloc64(n->weight_count * o->real_size);
    n->grads = aligned_alloc64(n->weight_count * o->real_size);
    n->stats = aligned_alloc64(n->stat_count * o->real_size);
    if (!n->weights || !n->grads || !n->stats) return false;
    memset(n->weights, 0, n->weight_count * o->real_size);
    memset(n->grads, 0, n->weight_count * o->real_size);
    memset(n->stats, 0, n->stat_count * o->real_size);
    const double one = 1;
    for (int i = 0; i < n->layers; i++)
        for (int k = 0; n->layer[i].var >= 0 && k < n->layer[i].c; k++)
            o->from_f64(1, &one, (char *)net_param_data(n, &n->param[n->layer[i].var]) + (size_t)k * o->real_size);
    n->grads_empty = true;
    return true;
}

void *net_param_data(const net *n, const net_param *p) {
    return (char *)(p->trained ? n->weights : n->stats) + p->offset * n->ops->real_size;
}

void *net_param_grad(const net *n, const net_param *p) {
    return p->trained ? (char *)n->grads + p->offset * n->ops->real_size : NULL;
}

const net_param *net_find(const net *n, const char *key) {
    for (int i = 0; i < n->params; i++)
        if (!strcmp(n->param[i].key, key)) return &n->param[i];
    return NULL;
}

void net_zero_grad(net *n) {
    n->grads_empty = true;
}

void net_init(net *n, uint64_t seed, const char *name) {
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        const net_layer *l = &n->layer[p->layer];
        if (!p->trained) continue;
        bool is_bias = i == l->bias_param;
        const net_param *weight = &n->param[l->weight];
        double field = (double)l->kh * l->kw, fan_in, fan_out;
        if (weight->rank == 4)
            fan_in = weight->shape[1] * field, fan_out = weight->shape[0] * field;
        else
            fan_in = weight->rank == 2 ? weight->shape[1] : 1, fan_out = weight->shape[0];
        if (l->op == OP_CONVT) fan_in = weight->shape[0] * field, fan_out = weight->shape[1] * field;

        init_kind kind = is_bias && l->init != INIT_TORCH ? INIT_ZEROS : l->init;
        if (l->op == OP_BATCHNORM || l->op == OP_LAYERNORM) kind = is_bias ? INIT_ZEROS : l->init;
        char *key = xasprintf("%s/%s", name, p->key);
        rng r = rng_make(seed, "init", key, 0);
        free(key);
        double *v = xarray(p->count, sizeof *v);
        double glorot = sqrt(6 / (fan_in + fan_out)), torch = 1 / sqrt(l->op == OP_CONVT ? fan_out : fan_in);
        for (size_t k = 0; k < p->count; k++) {
            switch (kind) {
            case INIT_GLOROT:
                v[k] = rng_range(&r, -glorot, glorot);
                break;
            case INIT_HE:
                v[k] = rng_normal(&r) * sqrt(2 / fan_in);
                break;
            case INIT_TORCH:
                v[k] = rng_range(&r, -torch, torch);
                break;
            case INIT_NORMAL:
                v[k] = l->init_a + l->init_b * rng_normal(&r);
                break;
            case INIT_ZEROS:
                v[k] = 0;
                break;
            case INIT_ONES:
                v[k] = 1;
                break;
            }
        }
        n->ops->from_f64(p->count, v, net_param_data(n, p));
        free(v);
    }
}
