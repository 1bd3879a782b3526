/*
 * line: the connection of an instance to its broker, with one channel, made anew by itself whenever
 * it is lost.
 *
 * Only on the courier's thread.
 */
#ifndef MUENGSTEN_ADAPTERS_AMQP_LINE_H
#define MUENGSTEN_ADAPTERS_AMQP_LINE_H

#include "adapters/amqp/amqp.h"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#else
#include <amqp.h>
#endif

#define MG_LINE_CHANNEL 1

struct mg_line {
    struct mg_amqp *amqp;
    amqp_connection_state_t connection; /* NULL: none */
    amqp_rpc_reply_t reply;             /* of the last call that waited for one */
    unsigned failures;                  /* attempts in vain since it last was of use */
    uint64_t number;                    /* of the connection; the first is 1 */
    /* Why it was lost, or cannot be made. */
    char code[32];
    char text[512];
    int closed_with; /* the reply code with which the broker closed the channel; 0: it did not */
};

/* What the two sides do with their line. Functions that return false have said why with
 * mg_line_fail or mg_line_check. */
struct mg_line_use {
    /* The channel is open. */
    bool (*opened)(struct mg_line *line);
    /* Letters were opened, or something else happened: does what is to be done. */
    bool (*step)(struct mg_line *line);
    /* A frame of the channel has come. */
    bool (*frame)(struct mg_line *line, const amqp_frame_t *frame);
    /* True if nothing more shall be read for now. */
    bool (*full)(struct mg_line *line);
    /* Milliseconds until the next step at the latest. */
    int (*patience)(struct mg_line *line);
    /* There is no connection (any more), as code and text say; called again with every letter while
     * it waits for its next attempt. */
    void (*lost)(struct mg_line *line);
};

/* Keeps the line until the courier ends. */
void mg_line_run(struct mg_line *line, const struct mg_line_use *use);

/* Notes why the line is of no use. Returns false. */
bool mg_line_fail(struct mg_line *line, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Judges the reply to a call; what names what was tried, as the rest of a sentence ("consume the
 * queue"), and missing the code for a thing that the broker does not have. */
bool mg_line_check(struct mg_line *line, amqp_rpc_reply_t reply, const char *what,
                   const char *missing);

/* Judges the status of a call that only sends. */
bool mg_line_sent(struct mg_line *line, int status);

#endif
