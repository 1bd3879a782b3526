/* muengstenctl audit verify, audit show: by the gateway, or by the store's own file. */
#include "gateway/audit/verify.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/trust/authorities.h"
#include "gateway/trust/certificate.h"
#include "gateway/trust/signature.h"
#include "tools/control/client.h"
#include "tools/control/find.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 50 /* entries, unless said otherwise */

static struct mg_store_journal_file *open_file(const char *store, struct mg_error *error)
{
    char *path = mg_allocate(strlen(store) + sizeof "/store.db");
    sprintf(path, "%s/store.db", store);
    struct mg_store_journal_file *file = mg_store_journal_open(path, error);
    free(path);
    return file;
}

/* ---- verify ---- */

static bool add_authorities(X509_STORE *store, const char *path, struct mg_error *error)
{
    STACK_OF(X509) *list = mg_authorities_read(path, error);
    for (int i = 0; i < sk_X509_num(list); i++)
        X509_STORE_add_cert(store, sk_X509_value(list, i));
    sk_X509_pop_free(list, X509_free);
    return list != NULL;
}

static bool add_certificate(X509_STORE *store, const char *path, struct mg_error *error)
{
    X509 *certificate = mg_certificate_from_file(path, error);
    if (certificate)
        X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    return certificate != NULL;
}

/* What the command line names, or else what the configuration does. *store stays NULL if neither
 * names anything: then every signer counts, and is told. */
static bool read_trusted(const struct mg_control_options *options,
                         const struct mg_settings *settings, X509_STORE **store,
                         struct mg_error *error)
{
    bool said = options->certificate || options->authorities;
    const char *certificate = said ? options->certificate : settings->seal;
    const char *authorities = said ? options->authorities : settings->authorities;
    *store = NULL;
    if (!certificate && !authorities)
        return true;
    *store = X509_STORE_new();
    if (!*store)
        mg_die("no memory for certificates");
    return (!certificate || add_certificate(*store, certificate, error)) &&
           (!authorities || add_authorities(*store, authorities, error));
}

static void explain(const struct mg_control *control, const struct mg_audit_report *report,
                    bool trusted, struct mg_buffer *text)
{
    char line[512];
    if (report->whole) {
        mg_screen_colour(&control->screen, text, MG_COLOUR_GOOD, mg_say("WHOLE", "UNVERSEHRT"));
        mg_buffer_print(text,
                        mg_say(": %lld entries, the last is number %lld.\n",
                               ": %lld Einträge, der letzte hat die Nummer %lld.\n"),
                        (long long)report->entries, (long long)report->last);
    } else {
        mg_screen_colour(&control->screen, text, MG_COLOUR_BAD,
                         mg_say("NOT WHOLE", "NICHT UNVERSEHRT"));
        mg_buffer_print(text, mg_say(": entry %lld: ", ": Eintrag %lld: "),
                        (long long)report->wrong);
        mg_screen_text(text, report->error.text);
        mg_buffer_print(text, " (%s)\n", report->error.code);
    }
    if (report->days > 0) {
        snprintf(line, sizeof line, mg_say("%lld, %s to %s", "%lld, %s bis %s"),
                 (long long)report->days, report->first_day, report->last_day);
        mg_screen_fact(&control->screen, text, mg_say("days closed", "Tage abgeschlossen"), line);
    }
    snprintf(line, sizeof line, "%lld", (long long)report->unsigned_entries);
    mg_screen_fact(&control->screen, text, mg_say("not signed yet", "noch nicht signiert"), line);
    if (report->deleted > 0) {
        snprintf(line, sizeof line, mg_say("up to number %lld", "bis Nummer %lld"),
                 (long long)report->deleted);
        mg_screen_fact(&control->screen, text, mg_say("no longer kept", "nicht mehr aufbewahrt"),
                       line);
    }
    for (size_t i = 0; i < report->signer_count; i++) {
        snprintf(line, sizeof line, "%.250s, %s – %s, SHA-256 %s", report->signers[i].subject,
                 report->signers[i].from, report->signers[i].to, report->signers[i].fingerprint);
        mg_screen_fact(&control->screen, text, mg_say("closed by", "abgeschlossen von"), line);
    }
    if (!trusted && report->days > 0)
        mg_buffer_add_text(
            text,
            mg_say("Whether these are the gateway's certificates only you know: name them with "
                   "--certificate or --authorities.\n",
                   "Ob das die Zertifikate des Gateways sind, wissen nur Sie: Nennen Sie sie mit "
                   "--certificate oder --authorities.\n"));
}

static json_t *report_json(const struct mg_audit_report *report)
{
    json_t *signers = json_array();
    for (size_t i = 0; i < report->signer_count; i++)
        json_array_append_new(
            signers, json_pack("{s:s, s:s, s:s, s:s}", "subject", report->signers[i].subject,
                               "fingerprint", report->signers[i].fingerprint, "from",
                               report->signers[i].from, "to", report->signers[i].to));
    json_t *object =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "whole", report->whole, "last",
                  (json_int_t)report->last, "entries", (json_int_t)report->entries, "deleted",
                  (json_int_t)report->deleted, "days", (json_int_t)report->days, "unsigned",
                  (json_int_t)report->unsigned_entries, "signers", signers);
    if (report->whole)
        json_object_set_new(object, "wrong", json_null());
    else
        json_object_set_new(object, "wrong",
                            json_pack("{s:I, s:s, s:s}", "number", (json_int_t)report->wrong,
                                      "code", report->error.code, "text", report->error.text));
    return object;
}

static int show_report(const struct mg_control *control, const struct mg_audit_report *report,
                       bool trusted)
{
    int end = report->whole ? MG_CONTROL_DONE : MG_CONTROL_NO;
    if (control->options.json) {
        json_t *object = report_json(report);
        end = mg_control_show_json(object, end);
        json_decref(object);
        return end;
    }
    struct mg_buffer text = {0};
    explain(control, report, trusted, &text);
    return mg_control_show(&text, end);
}

static int verify(const struct mg_control *control, const struct mg_settings *settings)
{
    struct mg_error error = {.code = ""};
    struct mg_audit_report *report = mg_allocate_zeroed(1, sizeof *report);
    X509_STORE *trusted = NULL;
    struct mg_store_journal_file *file = NULL;
    struct mg_audit_left left;
    int end = MG_CONTROL_USAGE;
    mg_audit_export_read(settings->store, &left);
    if (read_trusted(&control->options, settings, &trusted, &error) &&
        (file = open_file(settings->store, &error))) {
        struct mg_audit_source source = mg_audit_source_of_file(file);
        source.left = &left;
        if (mg_audit_verify(&source, trusted, report, &error))
            end = show_report(control, report, trusted != NULL);
    }
    if (error.code[0])
        end = mg_control_fail(&error, MG_CONTROL_USAGE);
    mg_store_journal_close(file);
    X509_STORE_free(trusted);
    free(report);
    return end;
}

/* ---- show ---- */

static int show_entries(const struct mg_control *control, const json_t *answer)
{
    struct mg_buffer text = {0};
    if (control->options.json)
        return mg_control_show_json(answer, MG_CONTROL_DONE);
    mg_find_journal(&control->screen, mg_pick(answer, "entries"), &text);
    return mg_control_show(&text, MG_CONTROL_DONE);
}

/* The number from which the newest are shown. */
static int find_first(const struct mg_control *control, char first[32], struct mg_error *error)
{
    json_t *status;
    int end = mg_client_get(control, "/status", &status, error);
    const char *limit = control->options.limit;
    int64_t shown = limit ? strtoll(limit, NULL, 10) : SHOWN;
    int64_t from = mg_pick_count(status, "audit.entries") - shown + 1;
    snprintf(first, 32, "%lld", (long long)(from > 1 ? from : 1));
    json_decref(status);
    return end;
}

static int show_live(const struct mg_control *control)
{
    char first[32];
    struct mg_error error = {.code = ""};
    struct mg_buffer target = {0};
    json_t *answer = NULL;
    const struct mg_control_options *options = &control->options;
    int end =
        options->from || options->message ? MG_CONTROL_DONE : find_first(control, first, &error);
    if (end == MG_CONTROL_DONE) {
        mg_buffer_add_text(&target, "/journal");
        mg_client_parameter(&target, "message", options->message);
        mg_client_parameter(&target, "from",
                            options->from || options->message ? options->from : first);
        mg_client_parameter(&target, "limit", options->limit);
        end = mg_client_get(control, target.data, &answer, &error);
    }
    end = end == MG_CONTROL_DONE ? show_entries(control, answer) : mg_control_fail(&error, end);
    json_decref(answer);
    mg_buffer_free(&target);
    return end;
}

/* As the gateway would answer, from the file. */
static json_t *read_entries(struct mg_store_journal_file *file,
                            const struct mg_control_options *options, struct mg_error *error)
{
    struct mg_store_lines lines = {0};
    long limit = options->limit ? strtol(options->limit, NULL, 10) : SHOWN;
    const struct mg_store_journal_query query = {
        .subject = options->message,
        .from = options->from ? strtoll(options->from, NULL, 10) : INT64_MAX,
        .backwards = !options->from,
        .limit = limit < 1                      ? 1
                 : limit > MG_STORE_LINES_LIMIT ? MG_STORE_LINES_LIMIT
                                                : (size_t)limit,
    };
    if (!mg_store_journal_read(file, &query, &lines, error))
        return NULL;
    json_t *entries = json_array();
    for (size_t i = 0; i < lines.count; i++) {
        const struct mg_store_line *line = &lines.lines[query.backwards ? lines.count - 1 - i : i];
        char time[MG_CLOCK_TEXT_SIZE];
        json_t *said = json_loadb(line->text, line->length, 0, NULL);
        json_array_append_new(
            entries, json_pack("{s:I, s:s, s:o}", "number", (json_int_t)line->number, "time",
                               mg_clock_text(line->time, time), "line", said ? said : json_null()));
    }
    mg_store_lines_free(&lines);
    return json_pack("{s:o}", "entries", entries);
}

static int show_file(const struct mg_control *control)
{
    struct mg_error error = {.code = ""};
    struct mg_store_journal_file *file = open_file(control->options.store, &error);
    json_t *answer = file ? read_entries(file, &control->options, &error) : NULL;
    int end = answer ? show_entries(control, answer) : mg_control_fail(&error, MG_CONTROL_USAGE);
    json_decref(answer);
    mg_store_journal_close(file);
    return end;
}

int mg_control_audit(struct mg_control *control)
{
    struct mg_error error = {.code = ""};
    struct mg_settings settings = {.store = NULL};
    if (strcmp(control->words[0], "show") == 0)
        return control->options.store ? show_file(control) : show_live(control);
    if (strcmp(control->words[0], "verify") != 0)
        return mg_control_mistake(mg_say("Usage: muengstenctl audit verify | show",
                                         "Aufruf: muengstenctl audit verify | show"));
    mg_log_set_level(MG_LOG_ERROR);
    if (!mg_trust_start(&error))
        return mg_control_fail(&error, MG_CONTROL_USAGE);
    int end = mg_settings_read(control, &settings, &error)
                  ? verify(control, &settings)
                  : mg_control_fail(&error, MG_CONTROL_USAGE);
    mg_settings_free(&settings);
    mg_trust_stop();
    return end;
}
