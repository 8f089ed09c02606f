#include "formats/jpeg_read.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "formats/icc.h"
#include "lib/base.h"

/* More scans than any real progressive file has; a small file with thousands of them would decode for hours. */
enum { MAX_SCANS = 500 };
/* Lines asked for at once: what a row of blocks makes. */
enum { ROWS = 8 };

typedef struct {
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf leave;
    bool in_pixels; /* past the header */
    bool no_memory;
    char *why;
} handler;

static _Noreturn void fail(j_common_ptr j) {
    handler *h = (handler *)j->err;
    char what[JMSG_LENGTH_MAX];
    h->manager.format_message(j, what);
    snprintf(h->why, IMAGE_WHY, "%s", what);
    h->no_memory = j->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(h->leave, 1);
}

static void message(j_common_ptr j, int level) {
    if (level < 0 && ((handler *)j->err)->in_pixels && j->err->msg_code != JWRN_EXTRANEOUS_DATA) fail(j);
}

static void watch_scans(j_common_ptr j) {
    if (((j_decompress_ptr)j)->input_scan_number <= MAX_SCANS) return;
    handler *h = (handler *)j->err;
    snprintf(h->why, IMAGE_WHY, "more than %d scans", MAX_SCANS);
    longjmp(h->leave, 1);
}

static void digest(j_decompress_ptr j, char out[17]) {
    uint64_t h = HASH64_START;
    for (int t = 0; t < NUM_QUANT_TBLS; t++) {
        if (!j->quant_tbl_ptrs[t]) continue;
        uint8_t b[129] = {(uint8_t)t};
        for (int i = 0; i < 64; i++) {
            b[1 + 2 * i] = (uint8_t)j->quant_tbl_ptrs[t]->quantval[i];
            b[2 + 2 * i] = (uint8_t)(j->quant_tbl_ptrs[t]->quantval[i] >> 8);
        }
        h = hash64(h, b, sizeof b);
    }
    snprintf(out, 17, "%016llx", (unsigned long long)h);
}

static uint32_t u16(const uint8_t *p, bool little) {
    return little ? (uint32_t)p[1] << 8 | p[0] : (uint32_t)p[0] << 8 | p[1];
}

/* Tag 0x112 of the first directory of a TIFF structure; 1 when there is none that makes sense. */
static int exif_orientation(const uint8_t *p, size_t len) {
    if (len < 14 || memcmp(p, "Exif\0", 6)) return 1;
    p += 6, len -= 6;
    bool little = p[0] == 'I';
    size_t dir = u16(p + (little ? 6 : 4), little) << 16 | u16(p + (little ? 4 : 6), little);
    if (dir > len - 2) return 1;
    uint32_t entries = u16(p + dir, little);
    for (size_t at = dir + 2; entries-- && at + 12 <= len; at += 12)
        if (u16(p + at, little) == 0x112) {
            uint32_t value = u16(p + at + 8, little);
            return u16(p + at + 2, little) == 3 && value >= 1 && value <= 8 ? (int)value : 1;
        }
    return 1;
}

static void read_profile(j_decompress_ptr j, jpeg_rest *rest) {
    JOCTET *icc;
    unsigned len;
    if (!jpeg_read_icc_profile(j, &icc, &len)) return;
    if (icc_is_srgb(icc, len) && j->num_components == 3) {
        free(icc);
        return;
    }
    rest->icc = icc;
    rest->icc_len = len;
}

/* Which samples to ask libjpeg for. Grey without a profile it can spread over three channels itself. */
static J_COLOR_SPACE wanted_space(j_decompress_ptr j, const jpeg_rest *rest) {
    switch (j->jpeg_color_space) {
    case JCS_CMYK:
    case JCS_YCCK:
        return JCS_CMYK;
    case JCS_GRAYSCALE:
        return rest->icc ? JCS_GRAYSCALE : JCS_RGB;
    default:
        return JCS_RGB;
    }
}

/* Chroma that comes in fewer samples than luma has more noise of quantisation than detail: so much wider kernels are better (bench/quality.py --of, qualities 60 to 95). At 1/2, 1/4 and 1/8
 * the chroma of 4:2:0 comes as fine as luma. */
static const double CHROMA_SPREAD = 1.3;

/* The planes that libjpeg makes before it spreads chroma and makes RGB of it; jpeg_calc_output_dimensions has been called. */
static void plane_shapes(j_decompress_ptr j, plane_shape shape[3]) {
    for (int i = 0; i < 3; i++) {
        const jpeg_component_info *c = &j->comp_info[i];
        plane_shape *s = &shape[i];
        *s = (plane_shape){(int)c->downsampled_width, (int)c->downsampled_height, 1, DCTSIZE / c->DCT_scaled_size};
        s->picture.x1 = (double)j->image_width * c->h_samp_factor * c->DCT_scaled_size / (j->max_h_samp_factor * DCTSIZE);
        s->picture.y1 = (double)j->image_height * c->v_samp_factor * c->DCT_scaled_size / (j->max_v_samp_factor * DCTSIZE);
        if (s->width < shape[0].width) s->spread_x = CHROMA_SPREAD;
        if (s->height < shape[0].height) s->spread_y = CHROMA_SPREAD;
    }
}

/* In planes there is less to do where chroma is coarser than luma, or the picture gets smaller both ways: else libjpeg makes RGB as fast as we do, and as everyone has it. Not for samples that aren't a
 * whole number of pixels, which libjpeg doesn't make RGB of: such a file is broken whatever becomes of it. */
static bool planes_pay(j_decompress_ptr j, uint64_t target_width, uint64_t target_height) {
    if (j->jpeg_color_space != JCS_YCbCr || j->num_components != 3) return false;
    bool coarse = false;
    for (int i = 0; i < 3; i++) {
        const jpeg_component_info *c = &j->comp_info[i];
        int across = j->max_h_samp_factor * j->min_DCT_scaled_size, down = j->max_v_samp_factor * j->min_DCT_scaled_size;
        if (across % (c->h_samp_factor * c->DCT_scaled_size) || down % (c->v_samp_factor * c->DCT_scaled_size)) return false;
        coarse = coarse || (i && (c->downsampled_width < j->output_width || c->downsampled_height < j->output_height));
    }
    return coarse || (target_width && j->output_width > target_width && j->output_height > target_height);
}

/* Whole pixels, to where want has room for lines, or (pixels isn't NULL) beside each other. */
static void give_lines(j_decompress_ptr j, const image_want *want, uint8_t *pixels) {
    size_t line = (size_t)j->output_width * (size_t)j->output_components;
    while (j->output_scanline < j->output_height) {
        JSAMPROW rows[ROWS];
        for (int i = 0; i < ROWS; i++)
            rows[i] = pixels ? pixels + (j->output_scanline + (size_t)i) * line : want->room(0, i, want->shared);
        JDIMENSION left = j->output_height - j->output_scanline, n = jpeg_read_scanlines(j, rows, left < ROWS ? left : ROWS);
        if (!pixels) want->lines(0, (int)n, want->shared);
    }
}

/* The planes, as they are decoded: some blocks of each at a time. A line of them ends with its last block, so up to 7 samples after the plane's last. */
static void give_planes(j_decompress_ptr j, const image_want *want) {
    _Static_assert(PLANES_AHEAD >= MAX_SAMP_FACTOR * DCTSIZE && PLANES_SPARE >= DCTSIZE - 1, "a row of blocks has room");
    JSAMPROW rows[3][MAX_SAMP_FACTOR * DCTSIZE];
    JSAMPARRAY at[3] = {rows[0], rows[1], rows[2]};
    int left[3];
    for (int i = 0; i < 3; i++) left[i] = (int)j->comp_info[i].downsampled_height;
    while (j->output_scanline < j->output_height) {
        for (int i = 0; i < 3; i++)
            for (int y = 0; y < j->comp_info[i].v_samp_factor * j->comp_info[i].DCT_scaled_size; y++)
                rows[i][y] = want->room(i, y, want->shared);
        jpeg_read_raw_data(j, at, MAX_SAMP_FACTOR * DCTSIZE);
        for (int i = 0; i < 3; i++) {
            int n = j->comp_info[i].v_samp_factor * j->comp_info[i].DCT_scaled_size;
            if (n > left[i]) n = left[i];
            want->lines(i, n, want->shared);
            left[i] -= n;
        }
    }
}

image_status jpeg_read(const uint8_t *data, size_t len, const image_want *want, image *im, jpeg_rest *rest, char why[IMAGE_WHY]) {
    struct jpeg_decompress_struct j;
    handler h = {.why = why};
    j.err = jpeg_std_error(&h.manager);
    h.manager.error_exit = fail;
    h.manager.emit_message = message;
    h.progress.progress_monitor = watch_scans;
    *rest = (jpeg_rest){.orientation = 1};
    if (setjmp(h.leave)) {
        jpeg_destroy_decompress(&j);
        free(rest->icc);
        rest->icc = NULL;
        free(im->rgb);
        im->rgb = NULL;
        return h.no_memory ? IMAGE_FAILED : IMAGE_BROKEN;
    }
    jpeg_create_decompress(&j);
    j.progress = &h.progress;
    jpeg_mem_src(&j, data, len);
    jpeg_save_markers(&j, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(&j, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(&j, TRUE);
    digest(&j, im->jpeg);
    for (jpeg_saved_marker_ptr m = j.marker_list; m && rest->orientation == 1; m = m->next)
        if (m->marker == JPEG_APP0 + 1) rest->orientation = exif_orientation(m->data, m->data_length);
    im->src_width = (int)j.image_width;
    im->src_height = (int)j.image_height;
    if ((uint64_t)j.image_width * j.image_height > want->max_pixels) {
        jpeg_destroy_decompress(&j);
        return IMAGE_LARGE;
    }
    read_profile(&j, rest);

    /* The target is of the picture as shown, these are as stored. */
    bool turned = rest->orientation >= 5;
    uint64_t w = (uint64_t)(turned ? want->target_height : want->target_width);
    uint64_t t = (uint64_t)(turned ? want->target_width : want->target_height);
    int shrink = w && t ? 8 : 1;
    while (shrink > 1 && (j.image_width < 2 * w * (uint64_t)shrink || j.image_height < 2 * t * (uint64_t)shrink)) shrink /= 2;
    j.scale_num = 1;
    j.scale_denom = (unsigned)shrink;
    j.out_color_space = wanted_space(&j, rest);
    j.dct_method = JDCT_ISLOW;
    j.do_fancy_upsampling = TRUE;
    j.do_block_smoothing = FALSE;
    h.in_pixels = true;
    jpeg_calc_output_dimensions(&j);
    im->width = (int)j.output_width;
    im->height = (int)j.output_height;
    im->shrunk = shrink;
    im->box = (resize_box){0, 0, (double)j.image_width / shrink, (double)j.image_height / shrink};
    rest->channels = j.output_components;
    size_t size = (size_t)j.output_width * (size_t)j.output_components * j.output_height;
    bool plain = want->begin && rest->orientation == 1 && rest->channels == 3 && !rest->icc,
         in_planes = plain && planes_pay(&j, w, t);
    if (in_planes)
        plane_shapes(&j, im->plane);
    else
        im->plane[0] = (plane_shape){im->width, im->height, 3, shrink, .picture = im->box};
    bool given = plain && want->begin(im, want->shared);
    if (given && in_planes) j.raw_data_out = TRUE, j.out_color_space = j.jpeg_color_space;
    jpeg_start_decompress(&j);
    if (!given) im->rgb = aligned_alloc64(size);
    if (!given && !im->rgb) ERREXIT1(&j, JERR_OUT_OF_MEMORY, 0);
    if (j.raw_data_out)
        give_planes(&j, want);
    else
        give_lines(&j, want, im->rgb);
    jpeg_finish_decompress(&j);
    /* Adobe's programs, and all after them, store CMYK inverted. */
    if (j.out_color_space == JCS_CMYK && j.saw_Adobe_marker)
        for (size_t i = 0; i < size; i++) im->rgb[i] = 255 - im->rgb[i];
    jpeg_destroy_decompress(&j);
    return IMAGE_DONE;
}
