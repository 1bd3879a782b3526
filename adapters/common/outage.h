/*
 * outage: while an operator has to mend something before anything can go out, a destination is
 * down: its messages wait without spending attempts, the log says so once and loudly, and the
 * adapter looks by itself, again and again, whether it was mended.
 *
 * Embedded in the adapter's instance, which is closed with it. On the loop's thread but for probe.
 * A gateway of ABI 1 knows no state; there messages are tried and postponed meanwhile.
 */
#ifndef MUENGSTEN_ADAPTERS_OUTAGE_H
#define MUENGSTEN_ADAPTERS_OUTAGE_H

#include "adapters/common/task.h"

struct mg_outage {
    struct mg_task task; /* first */
    /* On the other thread: true if everything is well; otherwise mg_outage_find says what is not.
     */
    bool (*probe)(struct mg_outage *outage);

    bool down;
    bool probing;
    char code[48]; /* of what is wrong */
    char text[512];
    char found_code[48]; /* by the probe */
    char found_text[512];
    struct mg_timer *timer; /* until the next look */
    int64_t pause;          /* before it: longer each time */
};

void mg_outage_open(struct mg_outage *outage, struct mg_tasks *tasks,
                    bool (*probe)(struct mg_outage *outage));

/* Something is wrong that an operator has to mend. */
void mg_outage_begin(struct mg_outage *outage, const char *code, const char *text);

/* Everything is well: a message went out. */
void mg_outage_end(struct mg_outage *outage);

/* For probe. Returns false. */
bool mg_outage_find(struct mg_outage *outage, const char *code, const char *text);

/* Before mg_tasks_close. */
void mg_outage_close(struct mg_outage *outage);

#endif
