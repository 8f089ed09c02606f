/* onnx: an ONNX file as plain structs: its graph, nodes, attributes and constant tensors. Read with hard limits; everything points into memory that
 * onnx_free frees. External data, subgraphs and sparse or text tensors are errors. */
#ifndef FACADE_ONNX_H
#define FACADE_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ONNX_MAX_RANK = 8, ONNX_ERROR = 400 };

/* A constant: whole numbers (all integer types, booleans) in i, or floats (all float types) in f. */
typedef struct {
    bool whole;
    int rank;
    int64_t dim[ONNX_MAX_RANK];
    size_t count;
    int64_t *i;
    float *f;
} onnx_tensor;

typedef struct {
    char *name;
    int64_t i;
    double f;
    char *s; /* NULL when it is no text */
    int64_t *ints; /* ints or floats: [count] */
    float *floats;
    size_t count;
    onnx_tensor *t;
    bool graph; /* a subgraph, which isn't read */
} onnx_attribute;

typedef struct {
    char *op, *name;
    char **in, **out; /* an omitted one is "" */
    int ins, outs, attributes;
    onnx_attribute *attribute;
} onnx_node;

/* A graph's input or output. dim -1: given by a name, or not at all. */
typedef struct {
    char *name;
    int rank; /* -1: unknown */
    int64_t dim[ONNX_MAX_RANK];
} onnx_value;

typedef struct onnx {
    int64_t opset; /* of the default domain */
    char *producer;
    onnx_node *node;
    int nodes;
    struct onnx_constant {
        char *name;
        onnx_tensor *t;
    } * constant;
    int constants;
    onnx_value *input, *output; /* inputs that are no constants */
    int inputs, outputs;
    void **owned;
    size_t owned_count, owned_room;
    size_t budget; /* bytes that may still be taken */
} onnx;

/* Parses n bytes. NULL with a message. */
onnx *onnx_read(const unsigned char *p, size_t n, char err[ONNX_ERROR]);
void onnx_free(onnx *o);

/* Memory that onnx_free frees, zeroed; counts against a limit (256 MiB and 32 times the file's size, 8 GiB at most): NULL beyond it. */
void *onnx_alloc(onnx *o, size_t count, size_t size);
onnx_tensor *onnx_new_tensor(onnx *o, bool whole, int rank, const int64_t *dim); /* NULL when too large */
static inline double onnx_at(const onnx_tensor *t, size_t k) {
    return t->whole ? (double)t->i[k] : (double)t->f[k];
}
const onnx_attribute *onnx_attr(const onnx_node *n, const char *name);
int64_t onnx_int(const onnx_node *n, const char *name, int64_t otherwise);
double onnx_float(const onnx_node *n, const char *name, double otherwise);

/* ---- folding (onnx_fold.c) ---- */

/* The outputs of a node whose inputs in[] are all constants (NULL where one is omitted), into out[]. 1 done, 0 not an operator that folds, -1 an error. */
int onnx_fold(onnx *o, const onnx_node *n, onnx_tensor *const *in, onnx_tensor **out, char err[ONNX_ERROR]);

/* ---- the network (onnx_net.c) ---- */

typedef struct {
    char *key;
    int rank;
    uint32_t shape[4];
    const float *data; /* the onnx object's */
    size_t count;
} onnx_param;

typedef struct {
    char *text; /* the caller's */
    onnx_param *param; /* the caller's array, of things that are o's */
    int params;
} onnx_net;

/* The graph as a network's text (net.h) and its parameters. range: what goes into the input line ("0:1"), or NULL. h, w: the input's size where the file
 * leaves it open, or 0. False with a message that names node and operator. */
bool onnx_to_net(onnx *o, const char *range, int h, int w, onnx_net *to, char err[ONNX_ERROR]);

#endif
