/* model: a network with its weights, as a TNS stream holds it, opened to be run.
 *
 *     model m;
 *     if (!model_open(&m, "inception.tns", err, &corrupt)) ...
 *     net *n = model_net(&m, 299, 299, 3, err);     // shaped, with its weights in f32; the caller frees it
 *
 * A MODEL is the path of any TNS with a network: kind=model (net=TEXT, or one net.NAME=TEXT), as wgt2tns, onnx2tns, clsfit and ganstep write it, or a state.
 * Where a stream holds several networks, PATH:NAME chooses one ("s.tns:gen"); a file whose own name is that is taken first. */
#ifndef FACADE_MODEL_H
#define FACADE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "tns.h"

enum { MODEL_ERROR = 600 };

typedef struct {
    char *path, *name; /* name: NULL for net= */
    tns_meta header; /* of the model's stream */
    uint64_t checksum; /* of all it holds, and of the name: for histories (MODEL_%016x) */
    bool open; /* the text leaves the input's size to the data */
    struct model_record {
        char *key;
        tns_frame f;
    } * record;
    int records;
} model;

/* Reads all of it. False with a message that names the file; *corrupt says whether the content is to blame (exit status 3). */
bool model_open(model *m, const char *operand, char err[MODEL_ERROR], bool *corrupt);
/* The network with its weights; h, w, c: the size of the data, used when the text leaves it open (0: the text must say it). Weights are f32, f64, f16
 * or bf16. NULL with a message. May be called again. */
net *model_net(const model *m, int h, int w, int c, char err[MODEL_ERROR]);
/* What scores call it: its file's name without directory and ".tns", then ":NAME" of the network and ":LAYER" (NULL: none). The caller frees. */
char *model_label(const model *m, const char *layer);
/* Says in a header of features what made them: model=LABEL, model_id= (its checksum and label), and source_sha256= where the model has it. */
void model_sign(const model *m, const char *label, tns_meta *header);
void model_close(model *m);

#endif
