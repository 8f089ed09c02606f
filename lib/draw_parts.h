/* The insides of draw, shared by its files: draw_mesh.c (triangles), draw_person.c (who), draw_shape.c (meshes of people),
 * draw_shade.c (what a point looks like), draw_scene.c (places, light), draw_camera.c (lens, sensor, faults).
 *
 * Units are centimetres. A person's own space has its origin between the eyes' depth and the ears, at the height of the eyes: x to the
 * picture's right, y up, z towards the camera. Camera space has the camera at the origin, looking along -z. Colours are linear light. */
#ifndef FACADE_DRAW_PARTS_H
#define FACADE_DRAW_PARTS_H

#include "draw.h"

typedef struct {
    float x, y, z;
} vec3;

static inline vec3 v3(float x, float y, float z) {
    return (vec3){x, y, z};
}
static inline vec3 grey(float v) {
    return (vec3){v, v, v};
}
static inline vec3 add(vec3 a, vec3 b) {
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}
static inline vec3 sub(vec3 a, vec3 b) {
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}
static inline vec3 mul(vec3 a, vec3 b) {
    return v3(a.x * b.x, a.y * b.y, a.z * b.z);
}
static inline vec3 scale(vec3 a, float k) {
    return v3(a.x * k, a.y * k, a.z * k);
}
static inline vec3 mix(vec3 a, vec3 b, float k) {
    return v3(a.x + (b.x - a.x) * k, a.y + (b.y - a.y) * k, a.z + (b.z - a.z) * k);
}
static inline float dot(vec3 a, vec3 b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
static inline vec3 cross(vec3 a, vec3 b) {
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline float root(float x) {
    return x > 0 ? __builtin_sqrtf(x) : 0;
}
static inline vec3 unit(vec3 a) {
    float l = root(dot(a, a));
    return l > 0 ? scale(a, 1 / l) : v3(0, 0, 1);
}
static inline float lerp(float a, float b, float k) {
    return a + (b - a) * k;
}
static inline float clampf(float x, float lo, float hi) {
    return x < lo ? lo : x > hi ? hi : x;
}
static inline float unitf(float x) {
    return clampf(x, 0, 1);
}
static inline float absf(float x) {
    return x < 0 ? -x : x;
}
static inline float maxf(float a, float b) {
    return a > b ? a : b;
}
static inline float minf(float a, float b) {
    return a < b ? a : b;
}
static inline float sq(float x) {
    return x * x;
}
/* 0 below a, 1 above b (or the other way round when a > b), smooth between. */
static inline float ramp(float a, float b, float x) {
    float k = unitf((x - a) * (1 / (b - a)));
    return k * k * (3 - 2 * k);
}
/* A bell of squared distance: 1 at 0, 0 from 5 on; close to exp(-0.8 d2), without the cost. */
static inline float bell(float d2) {
    float k = 1 - 0.2f * d2;
    return k > 0 ? sq(k * k) : 0;
}
static inline float bell2(float x, float y) {
    return bell(x * x + y * y);
}
static inline int floor_int(float x) {
    int i = (int)x;
    return i - (x < (float)i);
}

/* Four at once. In memory they lie anywhere. */
typedef float floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(16), aligned(4), may_alias));

static inline floats all4(float x) {
    return (floats){x, x, x, x};
}
static inline floats either(ints which, floats yes, floats no) { /* all bits of which set, or none */
    return (floats)((which & (ints)yes) | (~which & (ints)no));
}
static inline floats clamps(floats a, float lo, float hi) {
    a = either(a > lo, a, all4(lo));
    return either(a < hi, a, all4(hi));
}

float draw_sin(float radians);
float draw_cos(float radians);
float draw_exp2(float x); /* x within +-126 */
float draw_log2(float x); /* x > 0 */
float draw_pow(float x, float y); /* x >= 0 */

/* Well-mixed bits of a place. */
static inline uint32_t hash3(uint32_t seed, uint32_t x, uint32_t y) {
    uint32_t h = seed ^ (x * 0x9E3779B1u) ^ (y * 0x85EBCA77u);
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h = (h ^ (h >> 12)) * 0x297A2D39u;
    return h ^ (h >> 15);
}
static inline float hash_unit(uint32_t seed, uint32_t x, uint32_t y) {
    return (float)(hash3(seed, x, y) >> 8) * 0x1p-24f;
}
float noise2(uint32_t seed, float x, float y); /* smooth, 0..1, one feature a unit */
float noise3(uint32_t seed, float x, float y, float z);
float fractal2(uint32_t seed, float x, float y, int octaves); /* 0..1 */
/* fractal2 at (0, y), (step, y), (2 * step, y)... */
void fractal_row(uint32_t seed, float step, float y, int octaves, float *row, int n);

/* ---- chance: one draw an expression, since C leaves the order within one open ---- */

static inline float between(rng *r, float lo, float hi) {
    return lo + (hi - lo) * (float)rng_uniform(r);
}
static inline bool chance(rng *r, float p) {
    return rng_uniform(r) < (double)p;
}
/* Nearly normal, mean 0, deviation 1, within +-3.5: a sum of four, because libm's logarithm isn't the same everywhere. */
float bellish(rng *r);
/* A hue as things have it, browns and blues more often than greens and violets; pale 0 vivid .. 1 grey. */
vec3 any_hue(rng *r, float pale);
/* 0..n-1 with the weights. */
int choose(rng *r, const float *weight, int n);

/* ---- meshes ---- */

typedef struct {
    vec3 x, y, z; /* rows */
} mat3;
vec3 turn(const mat3 *m, vec3 p);
vec3 turn_back(const mat3 *m, vec3 p); /* the transpose */
mat3 rotation(float yaw, float pitch, float roll); /* radians; as pose= says */

typedef enum { M_SKIN, M_EAR, M_BODY, M_HAIR, M_HAT, M_METAL, M_ARM, M_LEG } material;

typedef struct {
    vec3 p; /* person's space */
    vec3 c; /* camera space */
    vec3 n, t; /* normal and the direction of the rows, camera space */
    float sx, sy, sz; /* place in samples, distance from the camera */
    float u, v;
    float open; /* ambient occlusion: 1 open, 0 closed */
    float lit; /* how much of the lamp arrives */
} vertex;

typedef struct {
    uint32_t a, b, c;
    uint8_t mat, who;
} triangle;

/* ---- people ---- */

enum {
    HAIR_BALD,
    HAIR_BUZZ,
    HAIR_SHORT,
    HAIR_QUIFF,
    HAIR_SIDE,
    HAIR_CURLY,
    HAIR_AFRO,
    HAIR_BOB,
    HAIR_LONG,
    HAIR_WAVY,
    HAIR_BUN,
    HAIR_TAIL,
    HAIR_STYLES
};
enum { BEARD_NONE, BEARD_STUBBLE, BEARD_MOUSTACHE, BEARD_GOATEE, BEARD_FULL, BEARDS };
enum { GLASSES_NONE, GLASSES_THIN, GLASSES_THICK, GLASSES_SUN, GLASSES_KINDS };
enum { HAT_NONE, HAT_BEANIE, HAT_CAP, HATS };
enum { RING_NONE, RING_STUD, RING_HOOP, RING_DROP, RINGS };
enum { CLOTH_TEE, CLOTH_VNECK, CLOTH_SHIRT, CLOTH_SUIT, CLOTH_TANK, CLOTH_HIGH, CLOTH_HOOD, CLOTHS };
enum { PLAIN, STRIPES, CHECKS, DOTS, PATTERNS };

/* The faults a fake may have; of each person, then of the picture. */
enum {
    F_IRIS,
    F_PUPIL,
    F_GAZE,
    F_EYES,
    F_EARRING,
    F_TEETH,
    F_GLASSES,
    F_EAR,
    F_SMOOTH,
    F_HAIR,
    F_WARP,
    F_CHECKER,
    F_BLEED,
    FAULTS
};

enum { SECTIONS = 96 };
/* A horizontal cut through the head: half width, front and back measured from the axis at z = HEAD_AXIS. */
typedef struct {
    float w, f, b;
} section;
#define HEAD_AXIS (-1.0f)
#define HEAD_BOTTOM (-12.4f)

typedef struct {
    uint32_t seed;
    float fem, age, kid, old, tone; /* all but age 0..1 */
    vec3 skin, lip, hair_color, brow_color, iris[2];
    int hair_name;
    /* bones */
    float size, width, top, jaw, square, chin, chin_w, cheek, ridge, eye_x, eye_y[2], eye_size[2], eye_tilt, nose_len, nose_w,
        nose_h, bridge, hook, mouth_y, mouth_w, lip_up, lip_low, ear, ear_out, neck, shoulder, fat;
    float brow_y, brow_thick, brow_arch, brow_raise;
    /* expression */
    float smile, gap, drop, lid[2], gaze_x[2], gaze_y[2];
    bool teeth;
    /* skin */
    float blush, freckles, wrinkles, oily, makeup, mole_x, mole_y, mole, pores;
    int beard;
    float beard_len, beard_dark;
    /* hair */
    int style;
    float hairline, receding, thick, length, hang0, hang1, fringe, fringe_y, part, curl, grey_hair;
    int hat, glasses, ring[2], cloth, pattern;
    vec3 hat_color, frame_color, lens_color, metal, cloth_color, cloth_second;
    float frame_w, frame_h, frame_round, frame_bar, frame_y, lens_dark;
    /* place */
    float yaw, pitch, roll; /* radians */
    mat3 head, body;
    vec3 at; /* of the eyes' origin, camera space */
    float px; /* samples a centimetre there */
    float frame_box[4]; /* what the glasses can cover, samples */
    bool whole; /* arms and legs too */
    float arm[2];
    float fault[FAULTS];
    section sec[SECTIONS];
} person;

typedef struct {
    vec3 dir, color; /* the lamp: towards it, unit */
    float soft; /* size of the lamp: blur of its shadows, cm */
    vec3 sky, ground; /* ambient from above and below */
    vec3 side, side_dir; /* a reflector or second lamp, without shadows */
    vec3 rim; /* from behind */
    const char *name;
} lighting;

typedef struct {
    float focal; /* samples */
    float cx, cy;
    float exposure, blur, vignette, noise, contrast, saturation;
    vec3 balance;
} optics;

enum { SAMPLES = 2, /* a pixel's side */ MAX_PEOPLE = 12, SHADOW_SIDE = 96, SPARE = 3 /* maps are filled four at a time */ };

struct draw_canvas {
    draw_options o;
    int sw, sh; /* samples across and down */
    float *depth; /* of each sample, and SPARE more */
    uint32_t *id; /* triangle + 1 at each sample, and SPARE more; 0: background */
    vec3 *image, *spare; /* pixels, and one more */
    uint8_t *cover; /* how much of a pixel is a person, 0..255 */
    uint8_t *hairy; /* ... is hair */
    vertex *vert;
    triangle *tri;
    uint32_t verts, vert_cap, tris, tri_cap;
    float shadow[SHADOW_SIDE * SHADOW_SIDE + SPARE]; /* heights towards the lamp; the first side * side are in use */
    person who[MAX_PEOPLE];
    int people;
    lighting light;
    optics lens;
    const char *background;
    bool outdoors;
    float camera_height; /* of a scene, above the ground */
    uint32_t seed;
    float curve[4097]; /* root of light, 0..2 in 4096 steps, to what a file holds, 0..1 */
};

/* draw_mesh.c */
/* Room for a grid of vertices; fill p, u, v and open (1 already) of [row * cols + col]. Valid until the next mesh_begin. */
vertex *mesh_begin(draw_canvas *c, int rows, int cols);
/* Normals, camera space, triangles. Rows run down and columns to the right as seen from outside. head: moves with the head, not the body. */
void mesh_end(draw_canvas *c, int who, int rows, int cols, material mat, bool head);
/* Shadows and visible surfaces of the person whose vertices and triangles begin at these. */
void mesh_shadows(draw_canvas *c, const person *q, uint32_t first_vertex, uint32_t first_triangle);
void mesh_raster(draw_canvas *c, const person *q, uint32_t first_triangle);
vec3 to_camera(const person *q, vec3 p, bool head);
void to_samples(const draw_canvas *c, vec3 p, float *sx, float *sy);

/* draw_person.c */
void person_draw(person *q, rng *r, bool fake, bool scene);
void person_pose(person *q, float yaw, float pitch, float roll, float body_yaw);
void person_attributes(const person *q, tns_meta *meta);
extern const char *const fault_names[FAULTS];

/* draw_shape.c */
void person_mesh(draw_canvas *c, int who);
/* A point of the face's surface at these front coordinates. */
vec3 face_point(const person *q, float x, float y);
/* The height at which hair begins, at this angle from the front. */
float hair_begins(const person *q, float angle);

/* draw_shade.c */
/* Light towards the camera from a sample that stands for a square of that many samples a side. *detail: there is more to see than one
 * look can tell; look at each sample. */
vec3 shade_sample(const draw_canvas *c, int x, int y, float wide, bool *detail);
/* The light of what is far behind a person, at a place in samples, as it comes past that person's glasses. */
vec3 shade_through_glasses(const draw_canvas *c, const person *q, float sx, float sy, float wide, vec3 light);
/* Whether hair, which is loose, covers this spot of its mesh. */
bool hair_covers(const person *q, const vertex *a, const vertex *b, const vertex *d, float wa, float wb, float wd, int x, int y);

/* draw_scene.c */
void scene_light(draw_canvas *c, rng *r);
void scene_background(draw_canvas *c, rng *r);
void scene_people(draw_canvas *c, rng *r);

/* draw_camera.c */
void camera_faults(draw_canvas *c);
void camera_develop(draw_canvas *c, uint8_t *rgb);
/* Both have one pixel more than w * h. */
void blur_box(vec3 *image, vec3 *spare, int w, int h, int radius, int times);

#endif
