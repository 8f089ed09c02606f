#include "net.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "net_text.h"
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
    {"dense", OP_DENSE, 0, 1, 1, 1, 1, " bias init l2 "},
    {"conv", OP_CONV, 0, 1, 1, 2, 2, " stride pad dilation groups bias init l2 "},
    {"convt", OP_CONVT, 0, 1, 1, 2, 2, " stride crop groups bias init l2 "},
    {"batchnorm", OP_BATCHNORM, 0, 1, 1, 0, 0, " eps momentum unbiased init "},
    {"layernorm", OP_LAYERNORM, 0, 1, 1, 0, 0, " eps init "},
    {"relu", OP_ACT, ACT_RELU, 1, 1, 0, 0, " "},
    {"leaky", OP_ACT, ACT_LEAKY, 1, 1, 1, 1, " "},
    {"elu", OP_ACT, ACT_ELU, 1, 1, 1, 1, " "},
    {"tanh", OP_ACT, ACT_TANH, 1, 1, 0, 0, " "},
    {"sigmoid", OP_ACT, ACT_SIGMOID, 1, 1, 0, 0, " "},
    {"silu", OP_ACT, ACT_SILU, 1, 1, 0, 0, " "},
    {"maxpool", OP_MAXPOOL, 0, 1, 1, 1, 1, " stride pad dilation "},
    {"avgpool", OP_AVGPOOL, 0, 1, 1, 1, 1, " stride pad count_pad "},
    {"gap", OP_GAP, 0, 1, 1, 0, 0, " "},
    {"dropout", OP_DROPOUT, 0, 1, 1, 1, 1, " "},
    {"reshape", OP_RESHAPE, 0, 1, 1, 1, 1, " "},
    {"flatten", OP_FLATTEN, 0, 1, 1, 0, 0, " "},
    {"upsample", OP_UPSAMPLE, 0, 1, 1, 1, 1, " "},
    {"add", OP_ADD, 0, 2, NET_MAX_LAYERS, 0, 0, " "},
    {"concat", OP_CONCAT, 0, 2, NET_MAX_LAYERS, 0, 0, " axis "},
    {"softplus", OP_ACT, ACT_SOFTPLUS, 1, 1, 0, 0, " "},
    {"mish", OP_ACT, ACT_MISH, 1, 1, 0, 0, " "},
    {"gelu", OP_ACT, ACT_GELU, 1, 1, 0, 0, " "},
    {"hardswish", OP_ACT, ACT_HARDSWISH, 1, 1, 0, 0, " "},
    {"exp", OP_ACT, ACT_EXP, 1, 1, 0, 0, " "},
    {"sqrt", OP_ACT, ACT_SQRT, 1, 1, 0, 0, " "},
    {"abs", OP_ACT, ACT_ABS, 1, 1, 0, 0, " "},
    {"clip", OP_ACT, ACT_CLIP, 1, 1, 2, 2, " "},
    {"hardsigmoid", OP_ACT, ACT_HARDSIGMOID, 1, 1, 2, 2, " "},
    {"scale", OP_ACT, ACT_SCALE, 1, 1, 1, 2, " "},
    {"grid", OP_GRID, 0, 1, 1, 0, 0, " "},
    {"affine", OP_AFFINE, 0, 1, 1, 0, 0, " bias init "},
    {"constant", OP_CONSTANT, 0, 0, 0, 1, 1, " init "},
    {"power", OP_POWER, 0, 1, 1, 1, 1, " "},
    {"prelu", OP_PRELU, 0, 1, 1, 0, 0, " init "},
    {"softmax", OP_SOFTMAX, 0, 1, 1, 0, 0, " "},
    {"gmp", OP_GMP, 0, 1, 1, 0, 0, " "},
    {"mean", OP_MEAN, 0, 1, 1, 1, 1, " "},
    {"slice", OP_SLICE, 0, 1, 1, 0, 0, " h w c "},
    {"transpose", OP_TRANSPOSE, 0, 1, 1, 1, 1, " "},
    {"pad", OP_PAD, 0, 1, 1, 1, 1, " value mode "},
    {"resize", OP_RESIZE, 0, 1, 1, 1, 1, " mode "},
    {"sub", OP_SUB, 0, 2, 2, 0, 0, " "},
    {"mul", OP_MUL, 0, 2, NET_MAX_LAYERS, 0, 0, " "},
    {"div", OP_DIV, 0, 2, 2, 0, 0, " "},
    {"min", OP_MIN, 0, 2, NET_MAX_LAYERS, 0, 0, " "},
    {"max", OP_MAX, 0, 2, NET_MAX_LAYERS, 0, 0, " "},
    {"output", OP_OUTPUT, 0, 1, NET_MAX_LAYERS, 0, 0, " "},
};

static bool has_params(op_kind op) {
    return op == OP_DENSE || op == OP_CONV || op == OP_CONVT || op == OP_BATCHNORM || op == OP_LAYERNORM || op == OP_AFFINE ||
           op == OP_CONSTANT || op == OP_PRELU;
}

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

/* ".25" or "25%" */
static bool fraction(parser *p, const char *what, const char *word, double max, double *out) {
    size_t len = strlen(word);
    char part[24];
    if (len < 2 || len >= sizeof part || word[len - 1] != '%') return number(p, what, word, 0, max, out);
    memcpy(part, word, len - 1);
    part[len - 1] = 0;
    if (!number(p, what, part, 0, 100 * max, out)) return false;
    *out /= 100;
    return true;
}

static bool yes_no(parser *p, const char *what, const char *word, bool *out) {
    *out = !strcmp(word, "yes");
    return *out || !strcmp(word, "no") || bad(p, "%s is yes or no, not '%.60s'", what, word);
}

/* Splits word at sep into at most 4 whole numbers; their count, 0 when malformed. */
static int numbers(const char *word, char sep, int64_t v[4]) {
    char part[24];
    int n = 0;
    for (;;) {
        size_t len = strcspn(word, (char[]){sep, 0});
        if (n == 4 || len >= sizeof part) return 0;
        memcpy(part, word, len);
        part[len] = 0;
        if (!parse_i64(part, &v[n++])) return 0;
        if (!word[len]) return n;
        word += len + 1;
    }
}

/* "3" or "3x5", both from 1 to MAX_KERNEL */
static bool twice(parser *p, const char *what, const char *word, int max, int *h, int *w) {
    int64_t v[4];
    int n = numbers(word, 'x', v);
    if (n == 1) v[1] = v[0];
    if ((n != 1 && n != 2) || v[0] < 1 || v[1] < 1 || v[0] > max || v[1] > max)
        return bad(p, "%s '%.60s' isn't N or NxN, 1 to %d", what, word, max);
    *h = (int)v[0], *w = (int)v[1];
    return true;
}

/* "32" or "8x8x128" */
static bool size(parser *p, const char *word, net_layer *l) {
    int64_t v[4];
    int n = numbers(word, 'x', v);
    bool good = n == 1 || n == 3;
    for (int i = 0; i < n && good; i++) good = v[i] >= 1 && v[i] <= (n == 1 ? MAX_COUNT : MAX_SIDE);
    if (!good || (n == 3 && v[0] * v[1] * v[2] > MAX_COUNT)) return bad(p, "size '%.60s' isn't C or HxWxC", word);
    l->flat = n == 1;
    l->h = n == 1 ? 1 : (int)v[0], l->w = n == 1 ? 1 : (int)v[1], l->c = (int)v[n - 1];
    return true;
}

/* "P", "B,A" (both axes alike), "T,L,B,R" or "same" */
static bool border(parser *p, const char *what, const char *word, net_layer *l, bool same_allowed) {
    if (same_allowed && !strcmp(word, "same")) return l->same = true;
    if (same_allowed && !strcmp(word, "valid")) return true;
    int64_t v[4];
    int n = numbers(word, ',', v);
    if (n == 1) v[1] = v[0];
    if (n == 2) v[2] = v[3] = v[1], v[1] = v[0];
    bool good = n == 1 || n == 2 || n == 4;
    if (n == 1) v[2] = v[3] = v[0];
    for (int i = 0; i < 4 && good; i++) good = v[i] >= 0 && v[i] <= MAX_KERNEL;
    if (!good) return bad(p, "%s '%.60s' isn't P, B,A%s", what, word, same_allowed ? ", T,L,B,R, same or valid" : " or T,L,B,R");
    l->top = (int)v[0], l->left = (int)v[1], l->bottom = (int)v[2], l->right = (int)v[3];
    return true;
}

/* "A:B" or "A:B:S" of an axis */
static bool part_of(parser *p, const char *word, net_layer *l, int axis) {
    int64_t v[4];
    int n = numbers(word, ':', v);
    if (n == 2) v[2] = 1;
    if ((n != 2 && n != 3) || v[0] < 0 || v[1] <= v[0] || v[1] > MAX_COUNT || v[2] < 1 || v[2] > MAX_COUNT)
        return bad(p, "'%.60s' isn't A:B or A:B:STEP with A < B", word);
    l->from[axis] = (int)v[0], l->to[axis] = (int)v[1], l->step[axis] = (int)v[2];
    return true;
}

/* Index of a word in a list "a|b|c", or an error that shows the list. */
static bool choice(parser *p, const char *what, const char *word, const char *list, int *out) {
    int index = 0;
    for (const char *s = list;; s++, index++) {
        size_t len = strcspn(s, "|");
        if (len == strlen(word) && !strncmp(s, word, len)) return *out = index, true;
        if (!*(s += len)) return bad(p, "%s '%.60s' isn't %s", what, word, list);
    }
}

/* Letters of "hwc", each at most once, into axes; how many, 0 when malformed. */
static int axes_of(const char *word, int axis[3]) {
    static const char letters[] = "hwc";
    bool seen[3] = {0};
    int n = 0;
    for (const char *s = word; *s; s++, n++) {
        const char *at = strchr(letters, *s);
        if (!at || n == 3 || seen[at - letters]) return 0;
        seen[axis[n] = (int)(at - letters)] = true;
    }
    return n;
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
    if (!strcmp(word, "stride")) return twice(p, word, value, MAX_KERNEL, &l->stride_h, &l->stride_w);
    if (!strcmp(word, "dilation")) return twice(p, word, value, MAX_KERNEL, &l->dil_h, &l->dil_w);
    if (!strcmp(word, "axis")) return choice(p, word, value, "h|w|c", &l->axis[0]);
    if (!strcmp(word, "value")) return number(p, word, value, -1e30, 1e30, &l->value);
    if (!strcmp(word, "mode"))
        return choice(p, word, value, info->op == OP_PAD ? "constant|edge|reflect" : "nearest|bilinear|corners", &l->mode);
    if (word[0] && !word[1]) return part_of(p, value, l, word[0] == 'h' ? 0 : word[0] == 'w' ? 1 : 2);
    if (!strcmp(word, "groups")) return whole(p, word, value, 1, MAX_SIDE, &l->groups);
    if (!strcmp(word, "pad")) return border(p, word, value, l, true);
    if (!strcmp(word, "crop")) return border(p, word, value, l, false);
    if (!strcmp(word, "bias")) return yes_no(p, word, value, &l->bias);
    if (!strcmp(word, "count_pad")) return yes_no(p, word, value, &l->count_pad);
    if (!strcmp(word, "unbiased")) return yes_no(p, word, value, &l->unbiased);
    if (!strcmp(word, "eps")) return number(p, word, value, 1e-12, 1, &l->eps);
    if (!strcmp(word, "l2")) return number(p, word, value, 0, 1e6, &l->l2);
    if (!strcmp(word, "momentum")) return fraction(p, word, value, 1, &l->momentum);
    if (!strcmp(word, "init")) return initialiser(p, value, l);
    n->range = !strcmp(value, "imagenet") ? RANGE_IMAGENET : !strcmp(value, "caffe") ? RANGE_CAFFE : RANGE_LINEAR; /* range */
    if (n->range != RANGE_LINEAR) return true;
    return (pair(value, ':', &n->range_lo, &n->range_hi) && n->range_lo < n->range_hi) ||
           bad(p, "range '%.60s' isn't LO:HI, imagenet or caffe", value);
}

static bool argument(parser *p, const struct op_info *info, int index, const char *word, net_layer *l) {
    switch (info->op) {
    case OP_INPUT:
    case OP_RESHAPE:
    case OP_CONSTANT:
        return size(p, word, l);
    case OP_DENSE:
        return whole(p, "size", word, 1, 1 << 24, &l->out);
    case OP_CONV:
    case OP_CONVT:
        return index == 0 ? whole(p, "channels", word, 1, MAX_SIDE, &l->out)
                          : twice(p, "kernel", word, MAX_KERNEL, &l->kh, &l->kw);
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        return twice(p, "kernel", word, MAX_KERNEL, &l->kh, &l->kw);
    case OP_DROPOUT:
        return fraction(p, "rate", word, .999, &l->value);
    case OP_POWER:
        return number(p, "exponent", word, -1000, 1000, &l->value);
    case OP_MEAN:
    case OP_TRANSPOSE: {
        int axis[3], count = axes_of(word, axis);
        if (!count || (info->op == OP_TRANSPOSE && count < 3))
            return bad(p, "%s wants %s, not '%.60s'", info->name,
                       info->op == OP_MEAN ? "axes of h, w, c (`mean hw`)" : "h, w and c in another order (`transpose whc`)",
                       word);
        for (int i = 0; i < count; i++) l->axis[info->op == OP_MEAN ? axis[i] : i] = info->op == OP_MEAN ? 1 : axis[i];
        return true;
    }
    case OP_PAD:
        return border(p, "border", word, l, false);
    case OP_RESIZE:
        return twice(p, "size", word, MAX_SIDE, &l->kh, &l->kw);
    case OP_UPSAMPLE:
        return whole(p, "factor", word, 1, 64, &l->kh);
    case OP_ACT:
        if (l->act.kind == ACT_CLIP || l->act.kind == ACT_HARDSIGMOID || l->act.kind == ACT_SCALE)
            return number(p, "value", word, -1e30, 1e30, index ? &l->act.beta : &l->act.alpha);
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
    if (n->layers && n->layer[n->layers - 1].op == OP_OUTPUT) return bad(p, "`output` must be the last line");
    if (n->layers == NET_MAX_LAYERS) return bad(p, "more than %d layers", NET_MAX_LAYERS);
    if (has_params(info->op) && !*name)
        return bad(p, "%s has parameters, so it needs a name: `NAME %s ...`", info->name, info->name);

    net_layer *l = &n->layer[n->layers];
    *l = (net_layer){.op = info->op,
                     .line = p->line,
                     .stride_h = 1,
                     .stride_w = 1,
                     .dil_h = 1,
                     .dil_w = 1,
                     .groups = 1,
                     .to = {-1, -1, -1},
                     .step = {1, 1, 1},
                     .bias = true,
                     .eps = 1e-3,
                     .momentum = .99,
                     .l2 = -1,
                     .alias = -1,
                     .weight = -1,
                     .bias_param = -1,
                     .mean = -1,
                     .var = -1};
    l->act.kind = info->act;
    l->name = xstrdup(name);
    l->input = xarray((size_t)words + 1, sizeof *l->input);
    n->layers++; /* from here on net_free frees it */
    if (info->op == OP_BATCHNORM || info->op == OP_LAYERNORM || info->op == OP_AFFINE) l->init = INIT_ONES;
    if (info->op == OP_PRELU) l->init = INIT_NORMAL, l->init_a = .25;
    if (info->op == OP_CONSTANT) l->init = INIT_ZEROS;
    if (info->op == OP_MAXPOOL || info->op == OP_AVGPOOL) l->stride_h = l->stride_w = 0; /* the kernel's, unless given */
    if (info->op == OP_CONCAT) l->axis[0] = 2;

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
        return bad(p, "%s wants %s", info->name,
                   info->max_args < 2   ? "an argument"
                   : info->op == OP_ACT ? "two numbers"
                                        : "channels and a kernel");
    if (l->act.kind == ACT_CLIP && l->act.alpha > l->act.beta) return bad(p, "clip wants LO below HI");
    if (info->op == OP_INPUT && args == 0) n->open = true;
    if (at < words) {
        if (info->max_inputs == 0) return bad(p, "%s has no inputs", info->name);
        if (++at == words) return bad(p, "no input after '<'");
        for (; at < words; at++) {
            int i = find_layer(n, word[at]);
            if (i < 0 || i == n->layers - 1) return bad(p, "no line above is called '%.60s'", word[at]);
            l->input[l->inputs++] = i;
        }
    } else if (info->max_inputs) {
        l->input[l->inputs++] = n->layers - 2;
    }
    if (l->inputs < info->min_inputs) return bad(p, "%s wants %d inputs: `%s < A B`", info->name, info->min_inputs, info->name);
    if (l->inputs > info->max_inputs)
        return bad(p, "%s takes %d input%s", info->name, info->max_inputs, info->max_inputs == 1 ? "" : "s");
    return true;
}

net *net_parse(const char *source, const char *file, char err[NET_ERROR]) {
    char *plain = net_expand(source, file, NULL, 0, err);
    if (!plain) return NULL;
    net *n = xarray(1, sizeof *n);
    n->text = plain;
    n->file = xstrdup(file);
    n->layer = xarray(NET_MAX_LAYERS, sizeof *n->layer);
    parser p = {.n = n, .err = err};
    for (const char *s = plain; *s && !p.failed;) {
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
        int failed = errno;
        snprintf(err, NET_ERROR, "%.200s: %s", path, strerror(failed));
        errno = failed;
        return NULL;
    }
    net *n = NULL;
    if (strlen(s) != len)
        snprintf(err, NET_ERROR, "%.200s: not a text", path);
    else
        n = net_parse(s, path, err);
    free(s);
    errno = 0;
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
static int window(bool same, int in, int k, int stride, int dilation, int *before, int *after) {
    int span = dilation * (k - 1) + 1;
    if (same) {
        int out = (in + stride - 1) / stride, total = (out - 1) * stride + span - in;
        *before = total > 0 ? total / 2 : 0;
        *after = total > 0 ? total - *before : 0;
        return out;
    }
    int room = in + *before + *after - span;
    return room < 0 ? 0 : room / stride + 1;
}

static void window_both(net_layer *l, const net_layer *x) {
    l->h = window(l->same, x->h, l->kh, l->stride_h, l->dil_h, &l->top, &l->bottom);
    l->w = window(l->same, x->w, l->kw, l->stride_w, l->dil_w, &l->left, &l->right);
}

/* The shape of an element-by-element op: an axis of size 1 is repeated. */
static bool broadcast(parser *p, net_layer *l) {
    for (int k = 1; k < l->inputs; k++) {
        const net_layer *y = &p->n->layer[l->input[k]];
        if ((y->h != l->h && y->h != 1 && l->h != 1) || (y->w != l->w && y->w != 1 && l->w != 1) ||
            (y->c != l->c && y->c != 1 && l->c != 1))
            return bad(p, "inputs of %dx%dx%d and %dx%dx%d don't fit together", l->h, l->w, l->c, y->h, y->w, y->c);
        if (y->h > l->h) l->h = y->h;
        if (y->w > l->w) l->w = y->w;
        if (y->c > l->c) l->c = y->c;
        l->flat &= y->flat;
    }
    return true;
}

static bool concatenate(parser *p, net_layer *l) {
    int axis = l->axis[0], *sum = axis == 0 ? &l->h : axis == 1 ? &l->w : &l->c;
    if (axis < 2) l->flat = false;
    for (int k = 1; k < l->inputs; k++) {
        const net_layer *y = &p->n->layer[l->input[k]];
        if ((axis != 0 && y->h != l->h) || (axis != 1 && y->w != l->w) || (axis != 2 && y->c != l->c) ||
            (axis == 2 && y->flat != l->flat))
            return bad(p, "inputs of %dx%dx%d and %dx%dx%d don't fit together", l->h, l->w, l->c, y->h, y->w, y->c);
        int more = axis == 0 ? y->h : axis == 1 ? y->w : y->c;
        if (*sum > MAX_COUNT - more) return bad(p, "an output of more than %lld channels is too large", (long long)MAX_COUNT);
        *sum += more;
    }
    return true;
}

static bool shape_layer(parser *p, int i) {
    net *n = p->n;
    net_layer *l = &n->layer[i];
    const net_layer *x = l->inputs ? &n->layer[l->input[0]] : NULL;
    if (x && l->op != OP_RESHAPE) l->h = x->h, l->w = x->w, l->c = x->c, l->flat = x->flat;
    bool image = l->op == OP_CONV || l->op == OP_CONVT || l->op == OP_MAXPOOL || l->op == OP_AVGPOOL || l->op == OP_GAP ||
                 l->op == OP_UPSAMPLE || l->op == OP_GMP || l->op == OP_PAD || l->op == OP_RESIZE || l->op == OP_GRID;
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
        window_both(l, x);
        l->c = l->out;
        l->weight = add_param(n, i, "weight", true, 4,
                              (uint32_t[]){(uint32_t)l->out, (uint32_t)(x->c / l->groups), (uint32_t)l->kh, (uint32_t)l->kw});
        break;
    case OP_CONVT:
        if (x->c % l->groups || l->out % l->groups)
            return bad(p, "%d and %d channels don't divide into %d groups", x->c, l->out, l->groups);
        if ((int64_t)(l->out / l->groups) * x->c * l->kh * l->kw > MAX_COUNT) return bad(p, "too many weights");
        if (l->top >= l->kh || l->left >= l->kw)
            return bad(p, "crop=%d,%d,%d,%d is wider than the kernel", l->top, l->left, l->bottom, l->right);
        if (((int64_t)x->h - 1) * l->stride_h + l->kh > MAX_COUNT || ((int64_t)x->w - 1) * l->stride_w + l->kw > MAX_COUNT)
            return bad(p, "the output is too large");
        l->h = (x->h - 1) * l->stride_h + l->kh - l->top - l->bottom;
        l->w = (x->w - 1) * l->stride_w + l->kw - l->left - l->right;
        l->c = l->out;
        l->weight = add_param(n, i, "weight", true, 4,
                              (uint32_t[]){(uint32_t)x->c, (uint32_t)(l->out / l->groups), (uint32_t)l->kh, (uint32_t)l->kw});
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
        if (!l->stride_h) l->stride_h = l->kh, l->stride_w = l->kw;
        int high = l->dil_h * (l->kh - 1) + 1, wide = l->dil_w * (l->kw - 1) + 1;
        if (!l->same && (l->top >= high || l->left >= wide || l->bottom >= high || l->right >= wide))
            return bad(p, "padding as wide as the window");
        window_both(l, x);
        break;
    case OP_GAP:
    case OP_GMP:
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
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MIN:
    case OP_MAX:
        if (!broadcast(p, l)) return false;
        break;
    case OP_CONCAT:
        if (!concatenate(p, l)) return false;
        break;
    case OP_GRID:
        l->c = 2;
        break;
    case OP_AFFINE:
    case OP_PRELU:
        l->weight = add_param(n, i, "weight", true, 1, (uint32_t[]){(uint32_t)l->c});
        break;
    case OP_CONSTANT: {
        uint32_t sides[3] = {(uint32_t)l->h, (uint32_t)l->w, (uint32_t)l->c};
        l->weight = add_param(n, i, "value", true, l->flat ? 1 : 3, l->flat ? sides + 2 : sides);
        break;
    }
    case OP_MEAN:
        if (l->axis[0]) l->h = 1;
        if (l->axis[1]) l->w = 1;
        if (l->axis[2]) l->c = 1;
        break;
    case OP_SLICE: {
        int *side[3] = {&l->h, &l->w, &l->c};
        for (int a = 0; a < 3; a++) {
            if (l->to[a] < 0) l->to[a] = *side[a];
            if (l->to[a] > *side[a])
                return bad(p, "%c=%d:%d is more than the %d there are", "hwc"[a], l -> from[a], l -> to[a], *side[a]);
            *side[a] = (l->to[a] - l->from[a] + l->step[a] - 1) / l->step[a];
        }
        break;
    }
    case OP_TRANSPOSE: {
        int side[3] = {x->h, x->w, x->c};
        l->h = side[l->axis[0]], l->w = side[l->axis[1]], l->c = side[l->axis[2]];
        l->flat = false;
        break;
    }
    case OP_PAD:
        if (l->mode == PAD_REFLECT && (l->top >= x->h || l->bottom >= x->h || l->left >= x->w || l->right >= x->w))
            return bad(p, "a reflected border must be narrower than the image of %dx%d", x->h, x->w);
        l->h += l->top + l->bottom;
        l->w += l->left + l->right;
        break;
    case OP_RESIZE:
        l->h = l->kh;
        l->w = l->kw;
        break;
    default:
        break;
    }
    if ((l->op == OP_DENSE || l->op == OP_CONV || l->op == OP_CONVT || l->op == OP_AFFINE) && l->bias)
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
        if (l->op != OP_ACT || l->act.kind >= ACT_SILU) continue;
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
        if (!h && !w && c > 0) in->flat = true, h = w = 1;
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

bool net_can_train(const net *n, char err[NET_ERROR]) {
    for (int i = 1; i < n->layers; i++) {
        const net_layer *l = &n->layer[i];
        bool same_shape = true;
        for (int k = 1; k < l->inputs && l->op == OP_ADD; k++) {
            const net_layer *a = &n->layer[l->input[0]], *b = &n->layer[l->input[k]];
            same_shape &= a->h == b->h && a->w == b->w && a->c == b->c;
        }
        bool pool = l->op == OP_MAXPOOL || l->op == OP_AVGPOOL, rows = l->op == OP_CONCAT && l->axis[0] < 2;
        if (l->op <= OP_CONCAT && l->act.kind <= ACT_SILU && same_shape && !rows && (!pool || (l->dil_h == 1 && l->dil_w == 1)) &&
            (l->op != OP_CONVT || l->groups == 1))
            continue;
        snprintf(err, NET_ERROR, "%.150s:%d: this line is for inference only, nothing trains through it", n->file, l->line);
        return false;
    }
    return true;
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
    n->stats = aligned_alloc64(n->stat_count * o->real_size);
    if (!n->weights || !n->stats) return false;
    memset(n->weights, 0, n->weight_count * o->real_size);
    memset(n->stats, 0, n->stat_count * o->real_size);
    const double one = 1;
    for (int i = 0; i < n->layers; i++)
        for (int k = 0; n->layer[i].var >= 0 && k < n->layer[i].c; k++)
            o->from_f64(1, &one, (char *)net_param_data(n, &n->param[n->layer[i].var]) + (size_t)k * o->real_size);
    return true;
}

void *net_param_data(const net *n, const net_param *p) {
    return (char *)(p->trained ? n->weights : n->stats) + p->offset * n->ops->real_size;
}

void *net_param_grad(const net *n, const net_param *p) {
    return p->trained && n->grads ? (char *)n->grads + p->offset * n->ops->real_size : NULL;
}

const net_param *net_find(const net *n, const char *key) {
    for (int i = 0; i < n->params; i++)
        if (!strcmp(n->param[i].key, key)) return &n->param[i];
    return NULL;
}

void net_zero_grad(net *n) {
    n->grads_empty = true;
}

/* Values first .. first+count-1 of a parameter's start; r: at value 0, `first` is even. */
static void start_values(init_kind kind, rng r, double scale, double centre, size_t first, size_t count, double *v) {
    switch (kind) {
    case INIT_GLOROT:
    case INIT_TORCH:
        rng_skip(&r, first / 2);
        rng_fill_uniform(&r, v, count);
        for (size_t k = 0; k < count; k++) { /* rng_range(-scale, scale) */
            v[k] = -scale + 2 * scale * v[k];
            if (v[k] >= scale) v[k] = -scale;
        }
        break;
    case INIT_HE:
    case INIT_NORMAL:
        rng_skip(&r, first);
        for (size_t k = 0; k < count; k++) v[k] = centre + scale * rng_normal(&r);
        break;
    case INIT_ZEROS:
    case INIT_ONES:
        for (size_t k = 0; k < count; k++) v[k] = kind == INIT_ONES;
        break;
    }
}

void net_init(net *n, uint64_t seed, const char *name) {
    enum { PIECE = 4096 };
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
        if (l->op == OP_BATCHNORM || l->op == OP_LAYERNORM || l->op == OP_AFFINE) kind = is_bias ? INIT_ZEROS : l->init;
        if (l->op == OP_CONSTANT || l->op == OP_PRELU) fan_in = fan_out = (double)p->count;
        double scale = kind == INIT_GLOROT  ? sqrt(6 / (fan_in + fan_out))
                       : kind == INIT_TORCH ? 1 / sqrt(l->op == OP_CONVT ? fan_out : fan_in)
                       : kind == INIT_HE    ? sqrt(2 / fan_in)
                                            : l->init_b;
        double centre = kind == INIT_NORMAL ? l->init_a : 0;
        char *key = xasprintf("%s/%s", name, p->key);
        rng r = rng_make(seed, "init", key, 0);
        free(key);
        char *to = net_param_data(n, p);
#pragma omp parallel for
        for (size_t first = 0; first < p->count; first += PIECE) {
            double v[PIECE];
            size_t count = p->count - first < PIECE ? p->count - first : PIECE;
            start_values(kind, r, scale, centre, first, count, v);
            n->ops->from_f64(count, v, to + first * n->ops->real_size);
        }
    }
}
