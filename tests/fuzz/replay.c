/* Gives a fuzz target each of the files named: seeds and past crashers, as a test. `replay FILE...`, linked with tests/fuzz/NAME.c. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        size_t n;
        char *s = read_file(argv[i], (size_t)1 << 30, &n);
        if (!s) die(EXIT_FAILED, "%s:", argv[i]);
        char *exact = xmalloc(n); /* no byte more: reading on is seen */
        for (size_t k = 0; k < n; k++) exact[k] = s[k];
        LLVMFuzzerTestOneInput((uint8_t *)exact, n);
        free(exact);
        free(s);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}
