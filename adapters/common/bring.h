/*
 * bring: messages of a broker on their way into the gateway, and what the broker shall be told of
 * each: that the gateway has it, that it refuses it for good, or that it has to come again. Why it
 * refuses something, the gateway's own log says.
 *
 * Only on the loop's thread. An arrival is embedded as first member in what the adapter knows of it
 * and belongs to the adapter.
 */
#ifndef MUENGSTEN_ADAPTERS_BRING_H
#define MUENGSTEN_ADAPTERS_BRING_H

#include "muengsten/adapter.h"

enum mg_verdict {
    MG_VERDICT_TAKEN,   /* accepted or repeated: it is on disk */
    MG_VERDICT_REFUSED, /* for good */
    MG_VERDICT_LATER,   /* too much to do, or trouble of the gateway's own: to come again */
};

struct mg_arrival {
    struct mg_bringing *bringing;
    struct mg_submission *submission; /* NULL: none, or its handle has ended */
    bool unwanted;                    /* refused; the end has come or will */
    bool settled;
    struct mg_arrival *next, **link; /* in the list of the bringing */
};

/* The arrivals of an instance; filled in by the adapter but for the last part. */
struct mg_bringing {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    /* Called once for each arrival that is not aborted, perhaps from within a call of this module;
     * pause says after how many milliseconds it shall come again. The arrival may be freed in it
     * only if no call of this module with it is underway. */
    void (*settled)(struct mg_arrival *arrival, enum mg_verdict verdict, int64_t pause);
    void (*free)(struct mg_arrival *arrival); /* for mg_bring_end */

    struct mg_arrival *arrivals;
    int64_t pause;  /* the last one; 0: a message was taken since */
    int64_t paused; /* when it began, by the monotonic clock */
    struct mg_counter *taken, *refused, *postponed;
};

void mg_bring_open(struct mg_bringing *bringing);
/* Aborts and frees all arrivals. */
void mg_bring_end(struct mg_bringing *bringing);

/* A message arrives: begin, any number of add, then finish; or abort at any time. media_type and
 * encoding may be NULL: application/xml, not packed. */
void mg_bring_begin(struct mg_bringing *bringing, struct mg_arrival *arrival,
                    const char *media_type, const char *encoding, int64_t length);
void mg_bring_add(struct mg_arrival *arrival, const void *bytes, size_t length);
void mg_bring_finish(struct mg_arrival *arrival);
void mg_bring_abort(struct mg_arrival *arrival);
/* Takes a settled or aborted arrival out of the list, so that it can be freed. */
void mg_bring_forget(struct mg_arrival *arrival);

#endif
