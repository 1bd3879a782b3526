/*
 * error: the one way to fail.
 *
 * A function that can fail returns false (or NULL) and fills a struct mg_error, which the caller
 * owns, usually on its stack. The code is stable: programs and documents may rely on it
 * (docs/errors.md lists all of them). The text is a sentence that says what to change; it never
 * quotes the content of a message, since contents are personal data and errors are logged. The
 * place says where: "FILE:LINE" for a configuration, "line N, element NAME" for a document; it may
 * be empty.
 *
 * Impossible states are asserted, possible ones are reported: the two never mix.
 */
#ifndef MUENGSTEN_BASE_ERROR_H
#define MUENGSTEN_BASE_ERROR_H

#include <stdbool.h>

#define MG_ERROR_CODE_SIZE  48
#define MG_ERROR_PLACE_SIZE 256
#define MG_ERROR_TEXT_SIZE  1024

struct mg_error {
    char code[MG_ERROR_CODE_SIZE];
    char place[MG_ERROR_PLACE_SIZE];
    char text[MG_ERROR_TEXT_SIZE];
};

/*
 * Fills the error and returns false, so that a failing function can end with
 * `return mg_fail(error, "code", "sentence", ...)`. The place becomes empty. Texts that do not fit
 * are cut. error may be NULL: then nobody wants to know. Any thread.
 */
bool mg_fail(struct mg_error *error, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the place to an error that is already filled. error may be NULL. */
void mg_error_at(struct mg_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether a text has the form of a code: letters, digits, dots, hyphens and underscores, and less
 * than MG_ERROR_CODE_SIZE of them. */
bool mg_error_is_code(const char *text);

/* Ends the process with a message: for memory that is not there and for states that cannot be. */
void mg_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* malloc, calloc, realloc and strdup that never return NULL: without memory the process ends, and
 * what has a receipt is on disk. The caller frees with free(). */
void *mg_allocate(unsigned long size) __attribute__((malloc, returns_nonnull));
void *mg_allocate_zeroed(unsigned long count, unsigned long size)
    __attribute__((malloc, returns_nonnull));
void *mg_reallocate(void *memory, unsigned long size) __attribute__((returns_nonnull));
char *mg_copy_text(const char *text) __attribute__((malloc, returns_nonnull));

#endif
