/* ops: the arithmetic of networks, as a table of functions over plain arrays.
 *
 * The graph (net.h) and the training steps (gan.h) never touch an element: they call these. There are two tables: ops_f32 (lib/ops_f32.c,
 * over kernels of our own, oneDNN and OpenMP) is what programs run; ops_f64 (tests/c/ops_f64.c) is the naive reference in double that the tests hold
 * it against, and through which whole trainings run when they are compared with a framework's.
 *
 * Arrays are of the table's element type ("real": float or double), C-contiguous. Images are NHWC. Convolution weights are
 * [out channels, in channels / groups, kh, kw] (OIHW, as PyTorch and ONNX store them), dense weights [out, in].
 * Outputs are overwritten; no output may overlap an input unless said so. Every function may use all threads (ops->threads). Sums
 * over more than a few hundred terms are carried in double or blocked. Errors: out of memory or a shape that the kernels
 * refuse ends the program with status 1 (shapes were checked by the graph). The same call gives the same bytes for the same number of threads. */
#ifndef FACADE_OPS_H
#define FACADE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A convolution from x [n,h,w,c] to y [n,oh,ow,oc]:
 *     y[n,i,j,o] = bias[o] + sum over u,v,q of x[n, i*stride_h + u*dil_h - top, j*stride_w + v*dil_w - left, g*c/groups + q] * w[o,q,u,v]
 * with zeros outside x and g = o / (oc/groups). oh, ow are given; what they need below and right of x is implied padding.
 *
 * A transposed convolution is the same thing read backwards: described by the convolution that goes from its output (h,w,c) to its
 * input (oh,ow,oc); its forward is conv_backward_data, its data gradient conv_forward, its weight gradient conv_backward_weights
 * with the arguments exchanged. Its weight [oc,c,kh,kw] is then PyTorch's ConvTranspose2d weight [in,out,kh,kw]. */
typedef struct {
    int n, h, w, c;
    int oh, ow, oc;
    int kh, kw, stride_h, stride_w, dil_h, dil_w; /* dil 1: dense kernel */
    int top, left;
    int groups;
} conv_shape;

typedef enum {
    ACT_NONE,
    ACT_RELU,
    ACT_LEAKY,
    ACT_ELU,
    ACT_TANH,
    ACT_SIGMOID,
    ACT_SILU,
    /* in inference only (infer.h), not in these tables */
    ACT_SOFTPLUS,
    ACT_MISH,
    ACT_GELU,
    ACT_HARDSWISH,
    ACT_EXP,
    ACT_SQRT,
    ACT_ABS,
    ACT_CLIP,
    ACT_HARDSIGMOID,
    ACT_SCALE
} act_kind;
/* leaky: alpha*x below 0 (derivative alpha at 0, as frameworks take it); elu: alpha*(exp(x)-1) below 0; silu: x*sigmoid(x).
 * softplus: log(1+exp(x)); mish: x*tanh(softplus(x)); gelu: x*(1+erf(x/sqrt 2))/2; hardswish: x*min(max(x+3,0),6)/6;
 * clip: between alpha and beta; hardsigmoid: min(max(alpha*x+beta, 0), 1);
 * scale: alpha*x+beta. */
typedef struct {
    act_kind kind;
    double alpha, beta;
} activation;

/* Pooling windows over x [n,h,w,c] to y [n,oh,ow,c]. max: padding never wins. average: divides by the cells inside x
 * (count_pad false) or by kh*kw (true; cells past the given bottom and right padding don't exist in any framework's floor mode). */
typedef struct {
    int n, h, w, c, oh, ow;
    int kh, kw, stride_h, stride_w, top, left;
    bool max, count_pad;
} pool_shape;

typedef struct {
    double lr, beta1, beta2, eps;
    bool keras_eps; /* see adam below */
} adam_options;

typedef struct ops {
    const char *name; /* "f32", "f64" */
    size_t real_size; /* 4, 8 */
    int dtype; /* TNS_F32, TNS_F64 */

    /* Threads for all that follows (process-wide). */
    void (*set_threads)(int threads);

    /* ---- linear maps ---- */

    /* y = act(conv(x, w) + bias). bias [oc] or NULL. */
    void (*conv_forward)(const conv_shape *s, const void *x, const void *w, const void *bias, activation act, void *y);
    /* dx = gradient to x of sum(dy * conv(x, w)): the adjoint. bias and act serve the transposed convolution's forward: dx = act(... + bias[c]);
     * NULL and ACT_NONE for a gradient. */
    void (*conv_backward_data)(const conv_shape *s, const void *dy, const void *w, const void *bias, activation act, void *dx);
    /* dw[o,q,u,v] = sum of dy * (the x it met). */
    void (*conv_backward_weights)(const conv_shape *s, const void *x, const void *dy, void *dw);
    /* x [n,in], w [out,in], bias [out] or NULL: y [n,out] = act(x w^T + bias). */
    void (*dense_forward)(int n, int in, int out, const void *x, const void *w, const void *bias, activation act, void *y);
    void (*dense_backward_data)(int n, int in, int out, const void *dy, const void *w, void *dx); /* dx = dy w */
    void (*dense_backward_weights)(int n, int in, int out, const void *x, const void *dy, void *dw); /* dw = dy^T x */
    /* db[c] = sum over rows of dy [rows,c]: the bias' gradient of either. */
    void (*bias_backward)(size_t rows, int c, const void *dy, void *db);

    /* ---- activations ---- */

    /* y = act(x); y may be x. */
    void (*act_forward)(activation act, size_t count, const void *x, void *y);
    /* dx = dy * act'(x). From the output y alone, except silu, which needs x (NULL otherwise). dx may be dy. */
    void (*act_backward)(activation act, size_t count, const void *x, const void *y, const void *dy, void *dx);

    /* ---- normalisation ---- */

    /* Batch norm, training: x [rows,c], mean and biased variance over rows a channel;
     * y = act(gamma * (x-mean) * istd + beta), istd = 1/sqrt(var+eps); mean and istd [c] are kept for backward.
     * running_mean, running_var [c] (NULL: left alone) move: r = momentum*r + (1-momentum)*batch; unbiased: whether running_var
     * takes var*rows/(rows-1), as PyTorch does and Keras doesn't. */
    void (*batchnorm_forward)(size_t rows, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                              void *y, void *mean, void *istd, void *running_mean, void *running_var, double momentum,
                              bool unbiased);
    /* Inference: with the running statistics. */
    void (*batchnorm_infer)(size_t rows, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                            const void *running_mean, const void *running_var, void *y);
    /* dy is the gradient to y (after act); with d = dy*act'(y), xhat = (x-mean)*istd:
     * dgamma = sum d*xhat, dbeta = sum d, dx = gamma*istd*(d - dbeta/rows - xhat*dgamma/rows).
     * dx may be dy. dgamma and dbeta may not be NULL. act: any that needs y only. */
    void (*batchnorm_backward)(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean,
                               const void *istd, activation act, const void *dy, void *dx, void *dgamma, void *dbeta);
    /* Both of these are NULL in a table that doesn't have them; the graph then does without. Batch norm in training as above with the max pooling that alone
     * reads it, in one go: what is normalised is never stored. x [n,h,w,c] as s says, y [n,oh,ow,c]; windows that don't overlap and lie inside x (kh = stride_h,
     * kw = stride_w, top = left = 0, oh*kh <= h, ow*kw <= w); act is piecewise linear. where: as pool_forward's. */
    void (*batchnorm_pool_forward)(const pool_shape *s, const void *x, const void *gamma, const void *beta, double eps,
                                   activation act, void *y, int32_t *where, void *mean, void *istd, void *running_mean,
                                   void *running_var, double momentum, bool unbiased);
    /* From dy [n,oh,ow,c], the gradient to y. x is before(z), before piecewise linear: dz, which may not be dy, is the gradient to z, and dbias [c] its sum over
     * pixels. */
    void (*batchnorm_pool_backward)(const pool_shape *s, const void *x, const void *y, const int32_t *where, const void *gamma,
                                    const void *mean, const void *istd, activation act, activation before, const void *dy,
                                    void *dz, void *dgamma, void *dbeta, void *dbias);
    /* Layer norm: x [n, per, c], mean and biased variance over per*c a sample; gamma, beta [c];
     * mean, istd [n], or both NULL in inference. */
    void (*layernorm_forward)(int n, size_t per, int c, const void *x, const void *gamma, const void *beta, double eps,
                              activation act, void *y, void *mean, void *istd);
    void (*layernorm_backward)(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                               const void *istd, activation act, const void *dy, void *dx, void *dgamma, void *dbeta);

    /* ---- the second order: derivatives along a direction tx of x, of forward (ty) and of backward (net.h, net_tangent) ---- */

    /* tdx = td*act'(x) + dy*act''(x)*tx, the derivative of dx = dy*act'(x) along tx, when td is dy's. y, and t = ty; but silu: x, y, and t = tx (x is NULL
     * otherwise). td NULL: 0. tdx may be td. */
    void (*act_second)(activation act, size_t count, const void *x, const void *y, const void *t, const void *dy, const void *td,
                       void *tdx);
    /* ty = act'(y) * gamma * h, where h = istd * (tx - mean(tx) - xhat*m), m = mean(xhat*tx), is xhat's derivative; means over rows. */
    void (*batchnorm_tangent)(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean,
                              const void *istd, activation act, const void *tx, void *ty);
    /* The derivatives of batchnorm_backward's dx, dgamma, dbeta along tx. dy as there; td is the derivative of d = dy*act'(y), NULL: 0. With istd's
     * derivative -istd^2*m:
     *   tdgamma = sum (td*xhat + d*h),  tdbeta = sum td,
     *   tdx = -istd*m*dx + gamma*istd*(td - tdbeta/rows - h*dgamma/rows - xhat*tdgamma/rows).
     * tdx may be td. */
    void (*batchnorm_second)(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean,
                             const void *istd, activation act, const void *dy, const void *tx, const void *td, void *tdx,
                             void *tdgamma, void *tdbeta);
    /* The same of layer norm: means over a sample; with e = gamma*d, te = gamma*td:
     *   tdx = -istd*m*dx + istd*(te - mean(te) - h*mean(e*xhat) - xhat*mean(te*xhat + e*h)). */
    void (*layernorm_tangent)(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                              const void *istd, activation act, const void *tx, void *ty);
    void (*layernorm_second)(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                             const void *istd, activation act, const void *dy, const void *tx, const void *td, void *tdx,
                             void *tdgamma, void *tdbeta);
    /* ty = tx at the winners of pool_forward, which is linear otherwise. */
    void (*maxpool_tangent)(const pool_shape *s, const void *tx, const int32_t *where, void *ty);

    /* ---- the rest ---- */

    /* where [n,oh,ow,c]: for max, the index (row*w + column) of the winner, the first of equals; may be NULL in inference. */
    void (*pool_forward)(const pool_shape *s, const void *x, void *y, int32_t *where);
    void (*pool_backward)(const pool_shape *s, const void *dy, const int32_t *where, void *dx);
    /* Inverted dropout: y = x/(1-rate) where kept, else 0; an element is kept by a draw keyed by (seed, name, step, index), the same in
     * both tables. Backward is the same call on dy. y may be x. */
    void (*dropout)(size_t count, double rate, uint64_t seed, const char *name, uint64_t step, const void *x, void *y);
    /* Nearest-neighbour upsampling of x [n,h,w,c] by a whole factor, and its adjoint. */
    void (*upsample_forward)(int n, int h, int w, int c, int factor, const void *x, void *y);
    void (*upsample_backward)(int n, int h, int w, int c, int factor, const void *dy, void *dx);
    /* Copies columns: for r < rows: to[r*to_stride .. +cols] = from[r*from_stride .. +cols] (concatenation and its adjoint). */
    void (*copy_columns)(size_t rows, size_t cols, const void *from, size_t from_stride, void *to, size_t to_stride);
    /* y += a*x; y may be x. */
    void (*axpy)(size_t count, double a, const void *x, void *y);
    /* sum of |x|, and of x^2, in double. */
    void (*norms)(size_t count, const void *x, double *sum_abs, double *sum_squares);
    /* Whether all are finite. */
    bool (*finite)(size_t count, const void *x);
    /* From and to plain numbers. u8 pixels: real = scale*u8 + shift; back: clamp(round(real*scale + shift), 0, 255). */
    void (*from_u8)(size_t count, double scale, double shift, const uint8_t *from, void *to);
    void (*to_u8)(size_t count, double scale, double shift, const void *from, uint8_t *to);
    void (*from_f64)(size_t count, const double *from, void *to);
    void (*to_f64)(size_t count, const void *from, double *to);

    /* ---- losses ---- */

    /* Binary cross-entropy on logits, its mean over n: max(z,0) - z*target + log(1+exp(-|z|)). dz (may be NULL) is its gradient,
     * (sigmoid(z)-target)/n. mean_p (may be NULL): mean of sigmoid(z). */
    double (*bce_logits)(int n, const void *z, double target, void *dz, double *mean_p);

    /* Mean of the n logits z; dz (may be NULL) is the gradient of sign times it, sign/n. */
    double (*mean_logits)(int n, const void *z, double sign, void *dz);
    /* x = alpha[i]*a + (1-alpha[i])*b, for each of n samples of count elements. x may be a or b. */
    void (*interpolate)(int n, size_t count, const double *alpha, const void *a, const void *b, void *x);
    /* lambda * mean over samples of (|g|-1)^2, g [n,count], |g| a sample's L2 norm, and its gradient v = 2*lambda/n * (1 - 1/|g|) * g, which is
     * taken as 0 where |g| is 0. v may be g. */
    double (*gradient_penalty)(int n, size_t count, const void *g, double lambda, void *v);

    /* ---- optimisers ---- */

    /* Adam's step t (from 1) on weights w with gradient g and moments m, v (Kingma & Ba):
     *   m = b1 m + (1-b1) g,  v = b2 v + (1-b2) g^2
     *   keras_eps: w -= lr * sqrt(1-b2^t)/(1-b1^t) * m / (sqrt(v) + eps)
     *   else:      w -= lr/(1-b1^t) * m / (sqrt(v/(1-b2^t)) + eps)      (PyTorch) */
    void (*adam)(size_t count, const adam_options *o, uint64_t t, void *w, const void *g, void *m, void *v);
} ops;

extern const ops ops_f32;

#endif
