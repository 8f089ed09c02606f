#include "formats/image_read.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vips/vips.h>

#include "formats/icc.h"
#include "formats/jpeg_read.h"
#include "lib/base.h"

static const size_t max_file = (size_t)1 << 30;

const char *image_status_name(image_status s) {
    static const char *const names[] = {"done", "unreadable", "not-image", "broken", "large", "failed"};
    return names[s];
}

/* ---- the file ---- */

static image_status read_bytes(const char *path, uint8_t **data, size_t *len, char why[IMAGE_WHY]) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    image_status status = IMAGE_UNREADABLE;
    *data = NULL;
    if (fd < 0 || fstat(fd, &st) < 0) {
        status = machine_failed(errno) ? IMAGE_FAILED : IMAGE_UNREADABLE;
        snprintf(why, IMAGE_WHY, "%s", strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        snprintf(why, IMAGE_WHY, "%s", S_ISDIR(st.st_mode) ? "is a directory" : "is not a regular file");
    } else if ((uint64_t)st.st_size > max_file) {
        snprintf(why, IMAGE_WHY, "the file is larger than 1 GiB");
        status = IMAGE_LARGE;
    } else if (st.st_size == 0) {
        snprintf(why, IMAGE_WHY, "the file is empty");
        status = IMAGE_BROKEN;
    } else if (!(*data = malloc((size_t)st.st_size))) {
        snprintf(why, IMAGE_WHY, "no memory for a file of %lld bytes", (long long)st.st_size);
        status = IMAGE_FAILED;
    } else {
        ptrdiff_t got = full_read(fd, *data, (size_t)st.st_size);
        if (got < 0) {
            status = machine_failed(errno) ? IMAGE_FAILED : IMAGE_UNREADABLE;
            snprintf(why, IMAGE_WHY, "%s", strerror(errno));
        } else
            status = IMAGE_DONE, *len = (size_t)got;
    }
    if (fd >= 0) close(fd);
    return status;
}

/* ---- libvips: all formats but JPEG, and colours that aren't sRGB's ---- */

/* What libvips and the libraries under it say when there is no memory. Some, such as libwebp, say what they say of a damaged file, and to us it is one. */
static bool of_memory(const char *message) {
    return strcasestr(message, "out of memory") || strcasestr(message, "insufficient memory");
}

/* Whether a warning was: for libpng it is no error to have no memory for a profile. */
static atomic_bool memory_warned;

/* Warnings of libvips about files aren't shown: what matters is an error. */
static void take_message(const gchar *domain, GLogLevelFlags level, const gchar *what, gpointer data) {
    if (!domain || strcmp(domain, "VIPS"))
        g_log_default_handler(domain, level, what, data);
    else if (of_memory(what))
        memory_warned = true;
}

/* GLib says on standard output when it can't convert a message of its own to the locale's characters: into our stream. */
static void no_print(const gchar *what) {
    (void)what;
}

static bool vips_started;

static void start_vips(void) {
    g_set_print_handler(no_print);
    if (!icc_watch_memory() || vips_init("facade")) return;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
    /* Not g_log_set_handler: it asks for memory with a lock held that GLib needs to say that there is none. */
    g_log_set_default_handler(take_message, NULL);
    vips_started = true;
}

/* Whether some library, in any thread, had no memory since forget_errors, which is called while no other thread decodes. */
static bool lacked_memory(void) {
    return memory_warned || icc_refused_memory() || of_memory(vips_error_buffer());
}

static void forget_errors(void) {
    vips_error_clear();
    icc_forget_refused();
    memory_warned = false;
}

static const char *first_line(char *s) {
    s[strcspn(s, "\n")] = 0;
    return *s ? s : "can't be decoded";
}

/* To three bands of sRGB, 8 bits. The steps are lazy: pixels are computed when the result is written. Each image made is
 * kept in t[], for the caller to unref. */
static VipsImage *to_srgb(VipsImage *in, VipsImage *t[3]) {
    const void *icc = NULL;
    size_t len;
    bool profile = vips_image_get_typeof(in, VIPS_META_ICC_NAME) && !vips_image_get_blob(in, VIPS_META_ICC_NAME, &icc, &len) &&
                   !(in->BandFmt == VIPS_FORMAT_UCHAR && in->Bands >= 3 && icc_is_srgb(icc, len));
    if (profile && vips_icc_transform(in, &t[0], "srgb", "embedded", TRUE, "intent", VIPS_INTENT_PERCEPTUAL, "depth", 8, NULL)) {
        /* A profile that can't be used (damaged, or for another kind of colour) is as good as none. */
        if (lacked_memory()) return NULL;
        vips_error_clear(); /* or the next message wouldn't be the first */
        profile = false;
    }
    if (!profile && vips_colourspace(in, &t[0], VIPS_INTERPRETATION_sRGB, NULL)) return NULL;
    VipsImage *x = t[0];
    if (vips_image_hasalpha(x)) {
        VipsArrayDouble *white = vips_array_double_newv(1, 255.);
        int failed = vips_flatten(x, &t[1], "background", white, NULL);
        vips_area_unref((VipsArea *)white);
        if (failed) return NULL;
        x = t[1];
    }
    if (vips_cast_uchar(x, &t[2], NULL)) return NULL;
    if (t[2]->Bands != 3) {
        vips_error("facade", "%d channels", in->Bands);
        return NULL;
    }
    return t[2];
}

/* Computes im->rgb from a lazy image. */
static bool take_pixels(VipsImage *in, image *im) {
    VipsImage *t[3] = {0}, *out = to_srgb(in, t);
    size_t size = 0;
    void *pixels = out ? vips_image_write_to_memory(out, &size) : NULL;
    /* For want of memory libvips' cache of lines passes over some, lcms makes slightly other colours and libpng forgets the profile, and all of it is a success. */
    if (pixels && lacked_memory()) g_free(pixels), pixels = NULL;
    if (pixels && !(im->rgb = aligned_alloc64(size))) vips_error("facade", "out of memory: %zu bytes of pixels", size);
    if (pixels && im->rgb) memcpy(im->rgb, pixels, size);
    g_free(pixels);
    for (int i = 0; i < 3; i++)
        if (t[i]) g_object_unref(t[i]);
    return im->rgb != NULL;
}

/* A file that libvips reads. */
typedef struct {
    const uint8_t *data;
    size_t len;
    const image_want *want;
    image *im;
    jpeg_rest *rest; /* pixels in im->rgb that libjpeg read, to be converted; or NULL */
    int *orientation;
} vips_job;

static image_status decode_file(const vips_job *job) {
    image *im = job->im;
    VipsImage *in = vips_image_new_from_buffer(job->data, job->len, "", "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                               VIPS_FAIL_ON_ERROR, NULL);
    if (!in) return IMAGE_BROKEN;
    im->width = im->src_width = in->Xsize;
    im->height = im->src_height = in->Ysize;
    im->box = (resize_box){0, 0, in->Xsize, in->Ysize};
    *job->orientation = vips_image_get_orientation(in);
    image_status status = IMAGE_LARGE;
    if ((uint64_t)in->Xsize * (uint64_t)in->Ysize <= job->want->max_pixels)
        status = take_pixels(in, im) ? IMAGE_DONE : IMAGE_BROKEN;
    g_object_unref(in);
    return status;
}

static image_status convert_pixels(const vips_job *job) {
    image *im = job->im;
    const jpeg_rest *r = job->rest;
    VipsInterpretation as = r->channels == 4   ? VIPS_INTERPRETATION_CMYK
                            : r->channels == 1 ? VIPS_INTERPRETATION_B_W
                                               : VIPS_INTERPRETATION_sRGB;
    uint8_t *raw = im->rgb;
    im->rgb = NULL;
    size_t size = (size_t)im->width * (size_t)im->height * (size_t)r->channels;
    VipsImage *in = vips_image_new_from_memory(raw, size, im->width, im->height, r->channels, VIPS_FORMAT_UCHAR), *typed = NULL;
    bool done = in && !vips_copy(in, &typed, "interpretation", as, NULL);
    if (done && r->icc) vips_image_set_blob_copy(typed, VIPS_META_ICC_NAME, r->icc, r->icc_len);
    done = done && take_pixels(typed, im);
    if (typed) g_object_unref(typed);
    if (in) g_object_unref(in);
    if (done)
        free(raw);
    else
        im->rgb = raw; /* for another try */
    return done ? IMAGE_DONE : IMAGE_BROKEN;
}

/* The format by its contents; false when it isn't one that libvips has a trusted loader for. */
static bool find_format(const vips_job *job) {
    const char *loader = vips_foreign_find_load_buffer(job->data, job->len);
    if (!loader) return false;
    GType type = g_type_from_name(loader);
    if (VIPS_OPERATION_CLASS(g_type_class_peek(type))->flags & VIPS_OPERATION_BLOCKED) return false;
    const char *name = vips_nickname_find(type), *end = strstr(name, "load"); /* "pngload_buffer" */
    snprintf(job->im->format, sizeof job->im->format, "%.*s", end ? (int)(end - name) : 15, name);
    return true;
}

static image_status run_vips(const vips_job *job, char why[IMAGE_WHY]) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    /* libvips has one buffer of messages for all threads. So that a message belongs to its file, one that failed is
     * decoded again while no other is; which also makes up for memory that was lacking for a moment. */
    static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    pthread_once(&once, start_vips);
    if (!vips_started) {
        snprintf(why, IMAGE_WHY, "libvips can't start");
        return IMAGE_FAILED;
    }
    image_status (*decode)(const vips_job *) = job->rest ? convert_pixels : decode_file;
    pthread_rwlock_rdlock(&lock);
    image_status status = job->rest || find_format(job) ? decode(job) : IMAGE_NOT_IMAGE;
    pthread_rwlock_unlock(&lock);
    if (status != IMAGE_BROKEN && status != IMAGE_NOT_IMAGE) return status;
    pthread_rwlock_wrlock(&lock);
    forget_errors();
    status = job->rest || find_format(job) ? decode(job) : IMAGE_NOT_IMAGE;
    if (status == IMAGE_BROKEN) {
        if (lacked_memory()) status = IMAGE_FAILED;
        char *message = vips_error_buffer_copy();
        snprintf(why, IMAGE_WHY, "%s", status == IMAGE_FAILED ? "out of memory" : first_line(message));
        g_free(message);
    }
    forget_errors();
    pthread_rwlock_unlock(&lock);
    return status;
}

/* ---- orientation ---- */

/* EXIF: 2, 3, 7, 8 read the stored picture from right to left, 3, 4, 6, 7 from below; 5..8 swap rows and columns. */
static bool orient(image *im, int orientation) {
    if (orientation < 2 || orientation > 8) return true;
    bool swap = orientation >= 5, right = (0x18c >> orientation) & 1, below = (0xd8 >> orientation) & 1;
    size_t w = (size_t)im->width, h = (size_t)im->height, ow = swap ? h : w, oh = swap ? w : h;
    uint8_t *turned = aligned_alloc64(w * h * 3), *to = turned;
    if (!turned) return false;
    for (size_t y = 0; y < oh; y++)
        for (size_t x = 0; x < ow; x++, to += 3) {
            size_t column = swap ? y : x, line = swap ? x : y;
            if (right) column = w - 1 - column;
            if (below) line = h - 1 - line;
            memcpy(to, im->rgb + (line * w + column) * 3, 3);
        }
    free(im->rgb);
    im->rgb = turned;
    resize_box b = im->box;
    if (right) b.x0 = (double)w - b.x1, b.x1 = (double)w;
    if (below) b.y0 = (double)h - b.y1, b.y1 = (double)h;
    im->box = swap ? (resize_box){b.y0, b.x0, b.y1, b.x1} : b;
    im->width = (int)ow;
    im->height = (int)oh;
    if (swap) {
        int width = im->src_width;
        im->src_width = im->src_height;
        im->src_height = width;
    }
    return true;
}

static image_status decode_bytes(const uint8_t *data, size_t len, const image_want *want, image *im, char why[IMAGE_WHY]) {
    int orientation = 1;
    vips_job job = {data, len, want, im, NULL, &orientation};
    image_status status;
    if (len >= 2 && data[0] == 0xff && data[1] == 0xd8) {
        jpeg_rest rest;
        snprintf(im->format, sizeof im->format, "jpeg");
        status = jpeg_read(data, len, want, im, &rest, why);
        orientation = rest.orientation;
        job.rest = &rest;
        if (status == IMAGE_DONE && (rest.icc || rest.channels != 3)) status = run_vips(&job, why);
        free(rest.icc);
    } else {
        status = run_vips(&job, why);
    }
    if (status == IMAGE_NOT_IMAGE) {
        bool stream = len >= 4 && !memcmp(data, "\x89TNS", 4);
        snprintf(why, IMAGE_WHY, "%s",
                 stream ? "a tensor stream: give it on standard input" : "not JPEG, PNG, WebP, TIFF, GIF or HEIF");
    } else if (status == IMAGE_LARGE) {
        snprintf(why, IMAGE_WHY, "%d x %d pixels, the limit is %llu", im->src_width, im->src_height,
                 (unsigned long long)want->max_pixels);
    } else if (status == IMAGE_DONE && !orient(im, orientation)) {
        snprintf(why, IMAGE_WHY, "no memory for %d x %d pixels", im->width, im->height);
        status = IMAGE_FAILED;
    }
    return status;
}

image_status image_read(const char *path, const image_want *want, image *im, char why[IMAGE_WHY]) {
    uint8_t *data;
    size_t len = 0;
    *im = (image){.shrunk = 1};
    image_status status = read_bytes(path, &data, &len, why);
    if (status == IMAGE_DONE) status = decode_bytes(data, len, want, im, why);
    free(data);
    if (status != IMAGE_DONE) {
        free(im->rgb);
        im->rgb = NULL;
    }
    return status;
}
