/* What C tests share: CHECK says where and what, and counts; return check_status() from main. */
#ifndef FACADE_CHECK_H
#define FACADE_CHECK_H

#include <math.h>
#include <stdio.h>

static int check_failed;

/* At most a screenful is printed: loops over bytes would print thousands. */
#define CHECK(condition, ...)                                                                                                    \
    do {                                                                                                                         \
        if (!(condition) && check_failed++ < 20) {                                                                               \
            printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);                                                               \
            printf(__VA_ARGS__);                                                                                                 \
            printf("\n");                                                                                                        \
        }                                                                                                                        \
    } while (0)

/* Fails for NaN too. */
#define CHECK_NEAR(got, want, tolerance, what)                                                                                   \
    CHECK(fabs((got) - (want)) <= (tolerance), "%s: %.17g, not %.17g", what, (double)(got), (double)(want))

static inline int check_status(void) {
    if (check_failed) printf("%d checks failed\n", check_failed);
    return check_failed > 0;
}

#endif
