/*
 * reloads: POST /reload, which is answered when the reload has ended, with what became of it;
 * internal to the room.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_RELOADS_H
#define MUENGSTEN_OPERATE_RELOADS_H

#include "gateway/audit/audit.h"
#include "gateway/operate/ask.h"

struct mg_reloads;

struct mg_reloads_options {
    struct mg_audit *audit;
    /* Begins a reload; the number of the one that reads the configuration after this moment, 0 if
     * none will. */
    int64_t (*begin)(void *context);
    void *context;
};

struct mg_reloads *mg_reloads_new(const struct mg_reloads_options *options);
/* Who still waits is told that nothing comes of it. NULL is allowed. */
void mg_reloads_free(struct mg_reloads *reloads);

/* For POST /reload; context is the struct mg_reloads. */
void mg_reloads_handle(struct mg_ask *ask, void *context);

/* The reload of that number has ended. hash: of the configuration that is in force now; NULL: it
 * was refused, because of these problems; or, without problems, because the gateway stops. */
void mg_reloads_ended(struct mg_reloads *reloads, int64_t number, const char *hash,
                      const char *const *problems, size_t count);

#endif
