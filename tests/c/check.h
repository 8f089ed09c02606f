/* What C tests share: CHECK says where and what, and counts; return check_status() from main. */
#ifndef FACADE_CHECK_H
#define FACADE_CHECK_H

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

static inline int check_status(void) {
    if (check_failed) printf("%d checks failed\n", check_failed);
    return check_failed > 0;
}

#endif
