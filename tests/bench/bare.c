/*
 * bare: the gateway as it would be without metrics, trace and audit: linked from the same objects,
 * with the functions that count, measure and record exchanged for such as do nothing (ld --wrap).
 * Beside the real one it shows what those cost each message. It is no gateway to use.
 */
#include "gateway/audit/lines.h"
#include "gateway/base/histogram.h"
#include "gateway/intake/checks.h"
#include "gateway/intake/tally.h"
#include "gateway/store/sqlite.h"

#include <stdlib.h>
#include <string.h>

/* ---- metrics ---- */

void __wrap_mg_tally_accept(struct mg_tally *tally, const struct mg_tally_accepted *accepted);
void __wrap_mg_tally_repeat(struct mg_tally *tally, const char *partner);
void __wrap_mg_histogram_add(struct mg_histogram *histogram, int64_t microseconds);
void __wrap_mg_window_add(struct mg_window *window, int64_t now, int64_t microseconds);
void __wrap_mg_rate_add(struct mg_rate *rate, int64_t now);

void __wrap_mg_tally_accept(struct mg_tally *tally, const struct mg_tally_accepted *accepted)
{
    (void)tally, (void)accepted;
}

void __wrap_mg_tally_repeat(struct mg_tally *tally, const char *partner)
{
    (void)tally, (void)partner;
}

void __wrap_mg_histogram_add(struct mg_histogram *histogram, int64_t microseconds)
{
    (void)histogram, (void)microseconds;
}

void __wrap_mg_window_add(struct mg_window *window, int64_t now, int64_t microseconds)
{
    (void)window, (void)now, (void)microseconds;
}

void __wrap_mg_rate_add(struct mg_rate *rate, int64_t now)
{
    (void)rate, (void)now;
}

/* ---- trace: checks, and the events of messages and deliveries ---- */

void __wrap_mg_checks_note(struct mg_checks *checks, enum mg_check_kind kind, bool required,
                           int64_t microseconds, const char *detail);
bool __wrap_mg_checks_write(const struct mg_checks *checks, struct mg_buffer *record);
bool __wrap_mg_sqlite_done(struct mg_sqlite_connection *connection, int statement);
bool __real_mg_sqlite_done(struct mg_sqlite_connection *connection, int statement);

void __wrap_mg_checks_note(struct mg_checks *checks, enum mg_check_kind kind, bool required,
                           int64_t microseconds, const char *detail)
{
    (void)checks, (void)kind, (void)required, (void)microseconds, (void)detail;
}

bool __wrap_mg_checks_write(const struct mg_checks *checks, struct mg_buffer *record)
{
    (void)checks, (void)record;
    return true;
}

bool __wrap_mg_sqlite_done(struct mg_sqlite_connection *connection, int statement)
{
    /* Only the writer carries out statements without rows. */
    bool is_event = statement == W_FIRST_EVENT || statement == W_EVENT;
    return is_event || __real_mg_sqlite_done(connection, statement);
}

/* ---- audit: a call without a line writes none ---- */

void __wrap_mg_audit_write_accepted(struct mg_buffer *line, const struct mg_store_accept *accept);
void __wrap_mg_audit_write_ended(struct mg_buffer *line, enum mg_delivery_state state,
                                 const struct mg_id *message, const char *destination, int attempts,
                                 const char *code);

void __wrap_mg_audit_write_accepted(struct mg_buffer *line, const struct mg_store_accept *accept)
{
    (void)line, (void)accept;
}

void __wrap_mg_audit_write_ended(struct mg_buffer *line, enum mg_delivery_state state,
                                 const struct mg_id *message, const char *destination, int attempts,
                                 const char *code)
{
    (void)line, (void)state, (void)message, (void)destination, (void)attempts, (void)code;
}

/* ---- search, if BARE_SEARCH is set: the indexes that nothing else needs ---- */

bool __wrap_mg_sqlite_upgrade(struct mg_sqlite_connection *connection, struct mg_error *error);
bool __real_mg_sqlite_upgrade(struct mg_sqlite_connection *connection, struct mg_error *error);
bool __wrap_mg_sqlite_prepare(struct mg_sqlite_connection *connection, const char *const *sql,
                              size_t count, struct mg_error *error);
bool __real_mg_sqlite_prepare(struct mg_sqlite_connection *connection, const char *const *sql,
                              size_t count, struct mg_error *error);

bool __wrap_mg_sqlite_upgrade(struct mg_sqlite_connection *connection, struct mg_error *error)
{
    return __real_mg_sqlite_upgrade(connection, error) &&
           (!getenv("BARE_SEARCH") ||
            mg_sqlite_run(connection,
                          "DROP INDEX messages_by_author; DROP INDEX messages_by_reader;"
                          "DROP INDEX messages_by_type;",
                          error));
}

/* What would search by them is prepared as something else; nobody searches here. */
bool __wrap_mg_sqlite_prepare(struct mg_sqlite_connection *connection, const char *const *sql,
                              size_t count, struct mg_error *error)
{
    const char **others = mg_allocate_zeroed(count + 1, sizeof *others);
    for (size_t i = 0; i < count; i++)
        others[i] = getenv("BARE_SEARCH") && strstr(sql[i], "INDEXED BY messages_by_") &&
                            !strstr(sql[i], "messages_by_id")
                        ? "SELECT 1"
                        : sql[i];
    bool prepared = __real_mg_sqlite_prepare(connection, others, count, error);
    free(others);
    return prepared;
}
