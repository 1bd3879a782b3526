#include "gateway/audit/seals.h"

#include "config.h"
#include "gateway/audit/closing.h"
#include "gateway/audit/trail.h"
#include "gateway/base/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DIGITS (2 * sizeof((struct mg_fingerprint *)NULL)->bytes)

/* ---- writing ---- */

static void write_certificate(struct mg_json *json, const char *name,
                              const struct mg_fingerprint *certificate)
{
    char text[DIGITS + 1];
    for (size_t i = 0; i < sizeof certificate->bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", certificate->bytes[i]);
    mg_json_text(json, name, text);
}

void mg_audit_seal(struct mg_audit *audit, const char *act, const struct mg_audit_seal *seal,
                   const char *configuration, const char *reason)
{
    struct mg_buffer line = {0};
    struct mg_json json = {.buffer = &line};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "act", act);
    mg_json_text(&json, "version", PACKAGE_VERSION);
    mg_json_text(&json, "configuration", configuration);
    write_certificate(&json, "certificate", &seal->certificate);
    if (seal->since > 0) {
        write_certificate(&json, "known", &seal->known);
        mg_json_number(&json, "since", seal->since);
    }
    if (seal->from > 0) {
        write_certificate(&json, "next", &seal->next);
        mg_json_number(&json, "from", seal->from);
    }
    mg_json_text(&json, "reason", reason);
    mg_json_end_object(&json);
    mg_audit_write_or_tell(audit, MG_AUDIT_SEAL, &line);
    mg_buffer_free(&line);
}

/* ---- reading ---- */

/* False, and zeros, if there is none. */
static bool read_certificate(const json_t *line, const char *name,
                             struct mg_fingerprint *certificate)
{
    const char *text = json_string_value(json_object_get(line, name));
    bool is_one = text && strlen(text) == DIGITS && strspn(text, "0123456789abcdef") == DIGITS;
    *certificate = (struct mg_fingerprint){{0}};
    for (size_t i = 0; is_one && i < sizeof certificate->bytes; i++) {
        unsigned byte = 0;
        sscanf(text + 2 * i, "%2x", &byte);
        certificate->bytes[i] = (uint8_t)byte;
    }
    return is_one;
}

static void read_entry(const json_t *line, struct mg_audit_seal *seal)
{
    if (!read_certificate(line, "certificate", &seal->certificate))
        return;
    if (read_certificate(line, "known", &seal->known))
        seal->since = json_integer_value(json_object_get(line, "since"));
    else
        seal->known = seal->certificate;
    if (read_certificate(line, "next", &seal->next))
        seal->from = json_integer_value(json_object_get(line, "from"));
}

static bool read_newest(struct mg_store *store, const char *subject, struct mg_store_lines *lines,
                        struct mg_error *error)
{
    const struct mg_store_journal_query query = {
        .subject = subject, .from = INT64_MAX, .backwards = true, .limit = 1};
    return mg_store_journal(store, &query, lines, error);
}

static bool read_closing(struct mg_store *store, struct mg_audit_seal *seal, struct mg_error *error)
{
    struct mg_store_lines lines;
    struct mg_audit_closing closing;
    if (!read_newest(store, MG_AUDIT_CLOSED, &lines, error))
        return false;
    if (lines.count > 0 && mg_audit_closing_read(lines.lines[0].text, &closing, NULL)) {
        seal->certificate = mg_certificate_fingerprint(closing.certificate);
        seal->known = seal->certificate;
        mg_audit_closing_clear(&closing);
    }
    mg_store_lines_free(&lines);
    return true;
}

bool mg_audit_last_seal(struct mg_store *store, struct mg_audit_seal *seal, struct mg_error *error)
{
    struct mg_store_lines lines;
    *seal = (struct mg_audit_seal){.since = 0};
    if (!read_newest(store, MG_AUDIT_SEAL, &lines, error))
        return false;
    if (lines.count == 0)
        return read_closing(store, seal, error);
    json_t *line = json_loads(lines.lines[0].text, JSON_REJECT_DUPLICATES, NULL);
    read_entry(line, seal);
    json_decref(line);
    mg_store_lines_free(&lines);
    return true;
}
