/*
 * tally: what operators see of intake: how many messages came from whom, by which way, of which
 * type and on which route, how long they took, and why others were refused.
 *
 * Counted by name, so that a reload forgets nothing. How much is told apart has a bound for each
 * kind; what comes beyond it counts under the name "other", so that nobody who sends nonsense makes
 * the metrics grow. Only on the thread of the loop.
 */
#ifndef MUENGSTEN_INTAKE_TALLY_H
#define MUENGSTEN_INTAKE_TALLY_H

#include "gateway/base/histogram.h"
#include "gateway/config/config.h"

/* At most so many are told apart. */
#define MG_TALLY_PARTNERS 2048
#define MG_TALLY_ROUTES   2048
#define MG_TALLY_WAYS     64 /* type and source */
#define MG_TALLY_CODES    64
#define MG_TALLY_OTHER    "other"

struct mg_tally;

struct mg_tally *mg_tally_new(void);
void mg_tally_free(struct mg_tally *tally);

/* A message is on disk; route is where it goes, duration in microseconds since all of it was there.
 */
struct mg_tally_accepted {
    const char *partner;
    const char *source;
    const char *type;
    const struct mg_route *route;
    int64_t duration;
};
void mg_tally_accept(struct mg_tally *tally, const struct mg_tally_accepted *accepted);
/* One that was known before got its receipt once more. */
void mg_tally_repeat(struct mg_tally *tally, const char *partner);
/* partner: NULL if it is nobody's. */
void mg_tally_refuse(struct mg_tally *tally, const char *partner, const char *code);

/* ---- what operators see; texts are the tally's ---- */

struct mg_tally_totals {
    int64_t accepted;
    int64_t repeated;
    int64_t refused;
    int64_t strangers; /* of the refused: nobody knows the sender */
    struct mg_histogram duration;
};
const struct mg_tally_totals *mg_tally_totals(const struct mg_tally *tally);

struct mg_tally_partner {
    const char *name;
    int64_t accepted; /* repeated ones included */
    int64_t refused;
    int64_t last_seen; /* milliseconds since 1970; 0: not since the start */
};
struct mg_tally_route {
    const char *name; /* "TYPE > READER", the patterns of the route */
    int64_t messages;
    struct mg_histogram duration;
};
struct mg_tally_way {
    const char *type;
    const char *source;
    struct mg_histogram duration;
};
struct mg_tally_code {
    const char *code;
    int64_t refused;
};
/* The one with that number, from 0; false: there is none. */
bool mg_tally_partner(const struct mg_tally *tally, size_t number, struct mg_tally_partner *seen);
bool mg_tally_route(const struct mg_tally *tally, size_t number, struct mg_tally_route *seen);
bool mg_tally_way(const struct mg_tally *tally, size_t number, struct mg_tally_way *seen);
bool mg_tally_code(const struct mg_tally *tally, size_t number, struct mg_tally_code *seen);

/* Of one by its name: zeros if nothing was counted yet. */
void mg_tally_of_partner(const struct mg_tally *tally, const char *name,
                         struct mg_tally_partner *seen);
int64_t mg_tally_of_route(const struct mg_tally *tally, const struct mg_route *route);

/* The name under which a route is counted: cut to size. */
#define MG_TALLY_ROUTE_SIZE 272
const char *mg_tally_route_name(const struct mg_route *route, char name[MG_TALLY_ROUTE_SIZE]);

#endif
