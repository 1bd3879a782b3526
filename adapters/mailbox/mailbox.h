/*
 * mailbox: holds messages for systems that fetch instead of being called: no port of theirs is
 * open, they work at night, or stand behind a firewall.
 *
 * The messages stay in the gateway's store until their reader acknowledges them; the adapter is the
 * HTTP in front of it and holds nothing itself but what a request needs. Below PREFIX, the path of
 * the instance:
 *
 *   GET    PREFIX                        lists what waits; query: after, limit
 *   POST   PREFIX/fetch                  hands out the oldest message; query: lease, in seconds
 *   POST   PREFIX/messages/ID/fetch      hands out that one; query: lease
 *   DELETE PREFIX/messages/ID            acknowledges it; query: claim
 *   POST   PREFIX/messages/ID/return     gives it back; query: claim
 *
 * A message that is handed out is nobody else's until it is acknowledged or its lease ends; then it
 * comes back. The claim names one handing out, so that a reader that was too late cannot
 * acknowledge what somebody else has by now. Who may do this is not judged here: the gateway lets
 * only the destination's partner through.
 *
 * This header is shared by the adapter's own files only. Everything runs on the loop's thread.
 */
#ifndef MUENGSTEN_ADAPTERS_MAILBOX_H
#define MUENGSTEN_ADAPTERS_MAILBOX_H

#include "muengsten/adapter.h"

/* An instance. */
struct mg_mailbox {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    char *messages;        /* PREFIX/messages/ */
    int64_t lease;         /* seconds, where the reader does not say */
    int64_t longest_lease; /* seconds that a reader may ask for */
    struct mg_counter *fetched;
    struct mg_counter *acknowledged;
    struct mg_counter *returned;
    struct mg_counter *lost;
};

/* Sets up the routes below the prefix (requests.c). */
bool mg_mailbox_serve(struct mg_mailbox *mailbox, const char *prefix);

#endif
