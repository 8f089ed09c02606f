/* net: networks from text, their graph, and running them forward and backward.
 *
 * A network is a text, a DAG of one line a layer, top to bottom:
 *
 *     [NAME] OP ARGS [< INPUT...]          # a comment
 *
 * The default input is the line before; named lines can be inputs of later ones; the last line is the output. The first line is `input`.
 * A layer with parameters has a NAME, after which they are called: NAME.weight, NAME.bias, NAME.running_mean, NAME.running_var.
 *
 *     input C | HxWxC              what one sample is: a vector or an image. Without a size: given by the data (net_shape)
 *           [range=LO:HI|imagenet|caffe]   how u8 pixels become numbers (default: the program's). imagenet: torchvision's, RGB/255
 *                                  less .485 .456 .406, over .229 .224 .225; caffe: Keras', BGR less 103.939 116.779 123.68
 *     dense OUT                    [bias=no] [init=I] [l2=L]; wants a vector
 *     conv OUT K[xK]               [stride=S] [pad=P] [dilation=D] [groups=G] [bias=no] [init=I] [l2=L]; groups as many as channels: depthwise
 *     convt OUT K[xK]              [stride=S] [crop=P] [groups=1] [bias=no] [init=I] [l2=L]: (size-1)*S + K - before - after outputs
 *                                  k5 s2: Keras' `same` is crop=1,2; PyTorch's padding 2, output_padding 1 is crop=2,1
 *     batchnorm                    [eps=1e-3] [momentum=.99|N%] [unbiased=no] [init=I: of the scale]
 *     layernorm                    [eps=1e-3] [init=I]; over all of a sample, scale and shift a channel
 *     affine                       y = NAME.weight[c] * x + NAME.bias[c]; [bias=no]
 *     constant C | HxWxC           NAME.value, an array of the net's own, the same for every sample; has no input
 *     relu | leaky ALPHA | elu ALPHA | tanh | sigmoid | silu | softplus | mish | gelu | hardswish | exp | sqrt | abs
 *     clip LO HI                   min(max(x, LO), HI); relu6 is clip 0 6
 *     hardsigmoid ALPHA BETA       min(max(ALPHA*x + BETA, 0), 1)
 *     scale A [B]                  A*x + B
 *     power P                      x^P
 *     prelu                        below 0 times NAME.weight[c]
 *     softmax                      over the channels of each pixel
 *     maxpool K[xK] | avgpool K[xK]   [stride=K] [pad=P] [dilation=D] [count_pad=no]
 *     gap | gmp                    mean, largest over height and width, to a vector
 *     mean AXES                    mean over some of h, w, c (`mean c`, `mean hw`), which become 1
 *     dropout RATE | N%
 *     reshape HxWxC | C            same count, NHWC order
 *     flatten
 *     slice [h=A:B[:S]] [w=...] [c=...]   rows, columns, channels A, A+S... below B
 *     transpose AXES               `transpose whc`: the output's h, w, c are the input's w, h, c
 *     pad T,L,B,R                  [value=0] [mode=constant|edge|reflect]
 *     upsample FACTOR              nearest
 *     grid                         HxWx2 for its input's height and width: (column + .5, row + .5) at each pixel
 *     resize HxW                   [mode=nearest|bilinear|corners]: nearest: of floor(i*in/out); bilinear: half-pixel centres; corners: corner pixels
 *                                  fall on corner pixels
 *     add | sub | mul | div | min | max < A B...   element by element; an axis of size 1 is repeated. add, mul, min, max take more than two
 *     concat < A B...              [axis=c|h|w]
 *     output < A...                only as the last line: the outputs, if they are several or not the line before
 *
 * stride, dilation: S or SHxSW. pad, crop: P; B,A (B above and left, A below and right); T,L,B,R; pad=same as TensorFlow, ceil(size/S) outputs,
 * the odd pixel below and right; pad=valid, none.
 *
 * Numbers can have names (net_text.h): `set classes=80 landmarks=0` (a line of its own, above their use; net_expand can override the values), then
 * `$classes` or `$landmarks*3` inside any word, and `if NAME LINE...` or `unless NAME LINE...` for a line that is only there when the value isn't, or is, 0.
 *
 * Training (net_run) knows the ops up to silu, pooling, gap, dropout, reshape, flatten, upsample, add of equal shapes and concat along channels; inference
 * (infer.h) all of them.
 *
 * L: a penalty of L * sum of weight^2 in a classifier's training (cls.h), in place of the program's for all layers; 0 for none
 *
 * I: glorot (uniform, the default) | he (normal) | torch (uniform 1/sqrt(fan in), bias too) | normal:MEAN,STD | zeros | ones
 *
 * The graph knows nothing of elements: it runs on a table of operations (ops.h), in float or double. */
#ifndef FACADE_NET_H
#define FACADE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops.h"

enum { NET_ERROR = 400, NET_MAX_TEXT = 1 << 20, NET_MAX_LAYERS = 4096 };

typedef enum {
    OP_INPUT,
    OP_DENSE,
    OP_CONV,
    OP_CONVT,
    OP_BATCHNORM,
    OP_LAYERNORM,
    OP_ACT,
    OP_MAXPOOL,
    OP_AVGPOOL,
    OP_GAP,
    OP_DROPOUT,
    OP_RESHAPE,
    OP_FLATTEN,
    OP_UPSAMPLE,
    OP_ADD,
    OP_CONCAT,
    /* inference only */
    OP_GRID,
    OP_AFFINE,
    OP_CONSTANT,
    OP_POWER,
    OP_PRELU,
    OP_SOFTMAX,
    OP_GMP,
    OP_MEAN,
    OP_SLICE,
    OP_TRANSPOSE,
    OP_PAD,
    OP_RESIZE,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MIN,
    OP_MAX,
    OP_OUTPUT
} op_kind;

typedef enum { RANGE_NONE, RANGE_LINEAR, RANGE_IMAGENET, RANGE_CAFFE } range_kind;
typedef enum { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT } pad_mode;
typedef enum { SCALE_NEAREST, SCALE_BILINEAR, SCALE_CORNERS } scale_mode;

typedef enum { INIT_GLOROT, INIT_HE, INIT_TORCH, INIT_NORMAL, INIT_ZEROS, INIT_ONES } init_kind;

/* One array of parameters, or of running statistics. */
typedef struct {
    char *key; /* "fc.weight" */
    int rank;
    uint32_t shape[4];
    size_t count;
    size_t offset; /* elements from the start of net.weights (trained) or net.stats */
    bool trained;
    int layer;
} net_param;

typedef struct {
    op_kind op;
    char *name; /* "" when unnamed */
    int line; /* of the text, from 1 */
    int *input, inputs; /* layers */
    int h, w, c; /* a sample's output; vectors have h = w = 1 */
    bool flat; /* a vector */

    /* Arguments, as the op uses them. */
    int out, kh, kw, stride_h, stride_w, dil_h, dil_w, groups;
    int top, left, bottom, right; /* padding or crop; with `same`, known after net_shape (top and left) */
    bool same, bias, count_pad, unbiased;
    double eps, momentum;
    double value; /* dropout's rate, power's exponent, pad's constant */
    double l2; /* < 0: not said */
    int from[3], to[3], step[3]; /* slice, of h, w, c; to < 0: to the end (set by net_shape) */
    int axis[3]; /* transpose: output axis i is input axis axis[i]; mean: whether axis i goes; concat: axis[0] */
    int mode; /* pad_mode or scale_mode */
    init_kind init;
    double init_a, init_b;
    activation act; /* the layer's own (OP_ACT), or of the line after, fused into this one */

    /* What net_shape decides. */
    int consumers;
    int alias; /* >= 0: the output is that layer's buffer (reshape, flatten, a fused activation), nothing is computed */
    int weight, bias_param, mean, var; /* indices into net.param, or -1; batch and layer norm: scale and shift */
} net_layer;

typedef struct {
    char *text, *file;
    net_layer *layer;
    int layers;
    bool shaped, open; /* open: the text leaves the input's size to the data */
    range_kind range; /* how u8 pixels become numbers; lo and hi for RANGE_LINEAR */
    double range_lo, range_hi;
    net_param *param;
    int params;
    size_t weight_count, stat_count; /* elements in the flat arrays, paddings between parameters included (they stay 0) */

    /* After net_alloc; grads after net_run_new for training. */
    const ops *ops;
    void *weights, *grads, *stats;
    bool grads_empty;
} net;

/* The graph of a text. file: what messages call it ("gen.net"). NULL with "gen.net:4: ..." in err. */
net *net_parse(const char *text, const char *file, char err[NET_ERROR]);
/* Reads and parses a file. NULL with errno when it can't be read, with errno 0 when it is no network. */
net *net_load(const char *path, char err[NET_ERROR]);
void net_free(net *n);
/* Whether net_run can run it; the message names the first line that only inference (infer.h) knows. */
bool net_can_train(const net *n, char err[NET_ERROR]);

/* Infers every shape, names the parameters, fuses activations. h, w, c: the input's size when the text leaves it open (0, 0, c: a vector), else 0 or the same.
 * False with a message. Once a net. */
bool net_shape(net *n, int h, int w, int c, char err[NET_ERROR]);

/* Memory for weights and statistics in the table's element type; zeroed, statistics at mean 0, variance 1. False when there is none. */
bool net_alloc(net *n, const ops *o);
/* Draws the initial weights, each keyed by (seed, "init", NAME/PARAMETER). */
void net_init(net *n, uint64_t seed, const char *name);

size_t net_trainable(const net *n); /* parameters, without padding */
double net_macs(const net *n); /* multiply-adds a sample, forward */
void *net_param_data(const net *n, const net_param *p); /* in weights or stats */
void *net_param_grad(const net *n, const net_param *p); /* NULL for statistics, and before a training run */
const net_param *net_find(const net *n, const char *key);

/* From here on gradients are those of the backward passes that follow, summed. */
void net_zero_grad(net *n);

/* ---- running ---- */

typedef struct net_run net_run;

/* NET_INFER: forward only; buffers are shared between layers. NET_TRAIN: everything that backward needs is kept. NET_FROZEN: that too, but everything is computed
 * as in inference, so that the gradients are those of the net as it is used; only gradients to layers, not to parameters. NET_SECOND: NET_TRAIN, and the
 * second order below, for about three times the memory. */
typedef enum { NET_INFER, NET_TRAIN, NET_FROZEN, NET_SECOND } net_mode;
/* Buffers for a batch of n samples, of a net that net_can_train. NULL when there is no memory (or the net can't train). */
net_run *net_run_new(net *n, int batch, net_mode mode);
void net_run_free(net_run *r);
size_t net_run_bytes(const net_run *r);

/* x [batch, h, w, c], kept by reference until backward is over. Returns the output [batch, ...], the run's own.
 * In training mode normalisation uses the batch's statistics and moves the running ones, and dropout draws for (seed, step). */
const void *net_forward(net_run *r, const void *x, uint64_t seed, uint64_t step);

/* Where to put the gradient to the output before net_backward, which uses it up. */
void *net_dout(net_run *r);
enum { NET_PARAMS = 1, NET_INPUT = 2 };
/* what NET_PARAMS: adds to net.grads. NET_INPUT: returns the gradient to x (the run's own), else NULL. Only after a forward of a training run; may be
 * called again for another output gradient. */
const void *net_backward(net_run *r, int what);

/* After a forward in a mode with backward: a layer's output [batch, h, w, c], after the activation that was fused into it. */
const void *net_value(const net_run *r, int layer);
/* The gradient to that output, of what stands in net_dout; the layers below aren't visited. NULL when the net's output doesn't depend on the layer. */
const void *net_backward_to(net_run *r, int layer);

/* ---- the second order: how gradients change along a direction v of x ----
 *
 * A penalty P on g, the gradient of the output's sum f to x, has the gradient d/de (gradient of f at x + e*v to the parameters) at e = 0, where v = dP/dg is held
 * constant:
 *     net_forward(r, x, ...);  ones to net_dout(r);  g = net_backward(r, NET_INPUT);  v from g;
 *     net_tangent(r, v);  net_backward_tangent(r);
 * Where all is linear or piecewise linear that is one more forward pass (of the tangent) and one more gradient to the weights; normalisation and curved
 * activations add, below the uppermost of them, a tangent of the backward pass too (net_second.c). In a NET_SECOND run only. */

/* v [batch, h, w, c], kept by reference until net_backward_tangent is over. Returns the output's tangent, the run's own. */
const void *net_tangent(net_run *r, const void *v);
/* Adds the derivative along v of what net_backward (with the output's gradient that it was last given) adds to net.grads. */
void net_backward_tangent(net_run *r);

#endif
