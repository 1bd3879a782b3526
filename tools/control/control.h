/*
 * control: what the commands of muengstenctl share: the options, and how they end. One thread.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_CONTROL_H
#define MUENGSTEN_TOOLS_CONTROL_CONTROL_H

#include "gateway/base/error.h"
#include "tools/control/screen.h"

#include <jansson.h>

/* The exit statuses; scripts rely on them. */
enum mg_control_exit {
    MG_CONTROL_DONE = 0,
    MG_CONTROL_NO = 1,          /* refused, not found, not valid, not healthy */
    MG_CONTROL_USAGE = 2,       /* the command line, or a file that it names; cannot say */
    MG_CONTROL_UNREACHABLE = 3, /* no gateway answers */
    MG_CONTROL_FORBIDDEN = 4,   /* the user may not do that */
};

/* What the command line says. Texts are borrowed from it; NULL where nothing is said. */
struct mg_control_options {
    const char *socket;
    const char *colour;
    const char *authorities, *revocation, *certificate, *content;
    const char *uuid, *id, *author, *reader, *type, *partner, *destination, *state, *from, *to,
        *limit, *cursor, *message;
    const char *why, *store, *signal, *config;
    unsigned interval; /* seconds */
    bool json, all, force, cancel;
};

struct mg_control {
    struct mg_control_options options;
    struct mg_screen screen;
    const char *command;
    char *const *words; /* behind the command */
    size_t word_count;
};

/* Writes one JSON value and a line's end, in a form that jansson knows (JSON_COMPACT). False if
 * standard output cannot be written. */
bool mg_control_write_json(const json_t *value, size_t form);

/* Shows JSON as programs want it (two blanks for each level), and ends with the status given, or
 * with MG_CONTROL_USAGE if standard output cannot be written. */
int mg_control_show_json(const json_t *value, int status);

/* Writes what was made for people; the end likewise. */
int mg_control_show(struct mg_buffer *text, int status);

/* Says on standard error why nothing came of it. Returns the status. */
int mg_control_fail(const struct mg_error *error, int status);

/* A mistake in the command line. Returns MG_CONTROL_USAGE. */
int mg_control_mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True if the word is the id of a message; otherwise the mistake is told. */
bool mg_control_is_id(const char *word);

/* Searches for messages by the options, in that state and for that destination (NULL: any): one
 * page, or with --all every one. *found has "messages", "refusals" and "cursor"; the caller's
 * reference. Returns an exit status, with the error unless it is MG_CONTROL_DONE. */
int mg_control_search(const struct mg_control *control, const char *state, const char *destination,
                      json_t **found, struct mg_error *error);

/* ---- the commands: each returns the exit status ---- */

int mg_control_status(struct mg_control *control);
int mg_control_top(struct mg_control *control);
int mg_control_routes(struct mg_control *control);
int mg_control_destinations(struct mg_control *control);
int mg_control_certs(struct mg_control *control);
int mg_control_whoami(struct mg_control *control);
int mg_control_messages(struct mg_control *control);
int mg_control_dead(struct mg_control *control);
int mg_control_trace(struct mg_control *control);
int mg_control_stored(struct mg_control *control);
int mg_control_retry(struct mg_control *control);
int mg_control_cancel(struct mg_control *control);
int mg_control_move(struct mg_control *control);
int mg_control_pause(struct mg_control *control);
int mg_control_resume(struct mg_control *control);
int mg_control_erase(struct mg_control *control);
int mg_control_reload(struct mg_control *control);
int mg_control_audit(struct mg_control *control);
int mg_control_backup(struct mg_control *control);
int mg_control_restore(struct mg_control *control);
int mg_control_verify(struct mg_control *control);

#endif
