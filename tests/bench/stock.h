/*
 * stock: a store that a program of the bench opens by itself and fills as fast as the store takes
 * it, with messages that look as if they had been accepted, though nobody has signed them.
 *
 * A program of the bench has nobody to tell what failed but whoever started it: everything here
 * that fails ends the program with a sentence on standard error. One thread, which drains the
 * handoff.
 */
#ifndef MUENGSTEN_TESTS_STOCK_H
#define MUENGSTEN_TESTS_STOCK_H

#include "gateway/base/buffer.h"
#include "gateway/store/store.h"

#define STOCK_TEXT  40 /* bytes of a text of a message, with its end */
#define STOCK_PARTS 3

struct stock {
    struct mg_handoff *handoff;
    struct mg_store *store;
    size_t underway; /* messages that are not accepted yet */
};

/* What tells one message from another. */
struct stock_message {
    struct mg_id id;
    char uuid[MG_ID_TEXT_SIZE];
    char partner[STOCK_TEXT], type[STOCK_TEXT], author[STOCK_TEXT], reader[STOCK_TEXT];
    char destination[MG_STORE_NAME_SIZE];
    int64_t received; /* milliseconds since 1970 */
    /* Their bytes outlive the stock, but for those that stand in header. */
    struct mg_store_part parts[STOCK_PARTS];
    size_t part_count;
    struct mg_buffer header; /* of the one message; empty: it has none */
};

/* Prints the sentence after the program's name, and ends it. */
__attribute__((noreturn, format(printf, 1, 2))) void stock_give_up(const char *format, ...);

/* Opens the store of a gateway that is not running, or makes one, for a node of this name. */
void stock_open(struct stock *stock, const char *folder, const char *node);
/* Nothing may be underway. */
void stock_close(struct stock *stock);

/* Has the store accept a message, which is copied; the header is the stock's from then on. Waits as
 * long as a crowd of them is underway. */
void stock_add(struct stock *stock, const struct stock_message *message);
/* Until everything is accepted. */
void stock_wait(struct stock *stock);

#endif
