/* transcode: a JPEG with the same coefficients, baseline or in progressive scans: decode.sh measures both of one picture.
 * usage: transcode baseline|progressive <IN.jpg >OUT.jpg */
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

int main(int argc, char **argv) {
    if (argc != 2 || (strcmp(argv[1], "baseline") && strcmp(argv[1], "progressive")))
        return fprintf(stderr, "usage: transcode baseline|progressive <IN.jpg >OUT.jpg\n"), 2;
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct in = {.err = jpeg_std_error(&errors)};
    struct jpeg_compress_struct out = {.err = in.err};
    jpeg_create_decompress(&in);
    jpeg_create_compress(&out);
    jpeg_stdio_src(&in, stdin);
    jpeg_read_header(&in, TRUE);
    jvirt_barray_ptr *coefficients = jpeg_read_coefficients(&in);
    jpeg_copy_critical_parameters(&in, &out);
    if (*argv[1] == 'p') jpeg_simple_progression(&out);
    jpeg_stdio_dest(&out, stdout);
    jpeg_write_coefficients(&out, coefficients);
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    jpeg_finish_decompress(&in);
    jpeg_destroy_decompress(&in);
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
