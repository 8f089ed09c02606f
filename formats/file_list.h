/* file_list: the files a program was told to read, one after the other, and what each is called in the stream.
 *
 * A directory is walked, its entries in the order of their bytes, through links (a loop is an error of that entry); names that
 * begin with a dot are left out. Memory: one directory's names a level. A file's key is its path below the
 * directory with that one's last component in front (wiki/00/1.jpg), or the path as given when no directory is known. */
#ifndef FACADE_FILE_LIST_H
#define FACADE_FILE_LIST_H

#include <stdbool.h>

typedef struct {
    const char *path; /* to open */
    const char *key;
    const char *first_dir; /* the first directory of the path below the known one; NULL when there is none */
    const char *error; /* in words, when the walk couldn't get at this entry; else NULL */
} file_entry;

typedef struct file_list file_list;

/* Names are the operands (NULL-terminated), or with delimiter >= 0 what stands on standard input, each ended by that byte (empty
 * ones are skipped). root (may be NULL): keys are relative to this directory. Exits with 1 when an operand or the root
 * isn't there. What operands and root point to must outlive the list. */
file_list *file_list_open(char *const *operands, int delimiter, const char *root);
/* The next file; what the entry points to lives until the next call. False at the end. Exits with 1 when a file isn't below
 * the root, or names can't be read. */
bool file_list_next(file_list *l, file_entry *e);
void file_list_close(file_list *l);

#endif
