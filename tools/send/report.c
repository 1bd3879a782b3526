#include "tools/send/report.h"

#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"
#include "tools/send/histogram.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From so many messages on, a terminal shows the progress instead of a line for each that was
 * accepted. */
#define MANY 100

struct mg_send_report {
    const struct mg_send_options *options;
    uint64_t total;
    uint64_t counts[MG_SEND_KINDS];
    uint64_t unverified;
    int64_t begun; /* microseconds */
    struct mg_send_histogram times;
    bool progress; /* is shown */
    bool shown;    /* the progress stands in the current line */
};

static const char *const words[MG_SEND_KINDS] = {"accepted", "repeated", "refused", "failed"};

struct mg_send_report *mg_send_report_new(const struct mg_send_options *options, uint64_t total)
{
    struct mg_send_report *report = mg_allocate_zeroed(1, sizeof *report);
    report->options = options;
    report->total = total;
    report->begun = mg_clock_monotonic();
    report->progress = total >= MANY && isatty(STDERR_FILENO);
    return report;
}

void mg_send_report_free(struct mg_send_report *report)
{
    free(report);
}

static uint64_t done(const struct mg_send_report *report)
{
    uint64_t sum = 0;
    for (int i = 0; i < MG_SEND_KINDS; i++)
        sum += report->counts[i];
    return sum;
}

static double seconds(const struct mg_send_report *report)
{
    double passed = (double)(mg_clock_monotonic() - report->begun) / 1e6;
    return passed > 0 ? passed : 1e-6;
}

static void wipe_progress(struct mg_send_report *report)
{
    if (report->shown)
        fputs("\r\033[K", stderr);
    report->shown = false;
}

void mg_send_report_progress(struct mg_send_report *report)
{
    if (!report->progress)
        return;
    uint64_t now = done(report);
    fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " messages, %.0f a second", now,
            report->total, (double)now / seconds(report));
    if (report->counts[MG_SEND_IS_REFUSED] + report->counts[MG_SEND_IS_FAILED] > 0)
        fprintf(stderr, ", %" PRIu64 " refused, %" PRIu64 " failed",
                report->counts[MG_SEND_IS_REFUSED], report->counts[MG_SEND_IS_FAILED]);
    fflush(stderr);
    report->shown = true;
}

/* ---- JSON ---- */

static void add_json(struct mg_buffer *line, const char *name, const char *value)
{
    if (!*value)
        return;
    mg_buffer_print(line, "%s\"%s\":\"", line->length > 1 ? "," : "", name);
    mg_buffer_add_json(line, value);
    mg_buffer_add_text(line, "\"");
}

static void write_line(struct mg_buffer *line)
{
    mg_buffer_add_text(line, "}\n");
    fwrite(line->data, 1, line->length, stdout);
    mg_buffer_free(line);
}

static void show_json(const struct mg_send_result *result)
{
    struct mg_buffer line = {0};
    bool taken = result->kind == MG_SEND_IS_ACCEPTED || result->kind == MG_SEND_IS_REPEATED;
    mg_buffer_add_text(&line, "{");
    add_json(&line, "file", result->file);
    add_json(&line, "uuid", result->uuid);
    add_json(&line, "id", result->id);
    add_json(&line, "result", words[result->kind]);
    mg_buffer_print(&line, ",\"status\":%d,\"milliseconds\":%.3f", result->status,
                    (double)result->microseconds / 1e3);
    if (taken)
        mg_buffer_print(&line, ",\"verified\":%s", result->verified ? "true" : "false");
    add_json(&line, "code", result->error.code);
    add_json(&line, "place", result->error.place);
    add_json(&line, "text", result->error.text);
    write_line(&line);
}

static void summarise_json(const struct mg_send_report *report)
{
    struct mg_buffer line = {0};
    mg_buffer_add_text(&line, "{\"summary\":true");
    for (int i = 0; i < MG_SEND_KINDS; i++)
        mg_buffer_print(&line, ",\"%s\":%" PRIu64, words[i], report->counts[i]);
    mg_buffer_print(&line,
                    ",\"unverified\":%" PRIu64 ",\"seconds\":%.3f,\"messages_per_second\":%.1f"
                    ",\"p50_milliseconds\":%.3f,\"p99_milliseconds\":%.3f",
                    report->unverified, seconds(report), (double)done(report) / seconds(report),
                    (double)mg_send_histogram_quantile(&report->times, 0.50) / 1e3,
                    (double)mg_send_histogram_quantile(&report->times, 0.99) / 1e3);
    write_line(&line);
}

/* ---- for people ---- */

static void show_reason(const struct mg_error *error)
{
    if (error->code[0])
        printf("          %s%s%s: %s\n", error->code, error->place[0] ? ", " : "", error->place,
               error->text);
}

static void show_entries(const struct mg_send_receipt *receipt)
{
    for (size_t i = 0; i < receipt->reading.entry_count; i++) {
        const struct mg_receipt_entry *entry = &receipt->reading.entries[i];
        printf("          %-24s  %-7s  %-24s  %s\n", entry->time, entry->level, entry->code,
               entry->reason);
    }
}

static void show_line(const struct mg_send_report *report, const struct mg_send_result *result,
                      const struct mg_send_receipt *receipt)
{
    bool taken = result->kind == MG_SEND_IS_ACCEPTED || result->kind == MG_SEND_IS_REPEATED;
    const char *slash = strrchr(result->file, '/');
    const char *file = slash ? slash + 1 : result->file;
    char end[32];
    if (taken)
        snprintf(end, sizeof end, "%s",
                 result->verified ? "receipt verified" : "RECEIPT NOT VERIFIED");
    else if (result->status)
        snprintf(end, sizeof end, "status %d", result->status);
    else
        snprintf(end, sizeof end, "no answer");
    printf("%-8s  %-36s  %-36s  %7.1f ms  %s\n", words[result->kind],
           result->uuid[0] ? result->uuid : file, result->id, (double)result->microseconds / 1e3,
           end);
    if (!taken || !result->verified)
        show_reason(&result->error);
    if (receipt && report->options->verbose) {
        printf("          signed by %s\n", receipt->signer);
        show_entries(receipt);
    }
}

static void summarise(const struct mg_send_report *report)
{
    printf("%" PRIu64 " accepted, %" PRIu64 " repeated, %" PRIu64 " refused, %" PRIu64 " failed",
           report->counts[MG_SEND_IS_ACCEPTED], report->counts[MG_SEND_IS_REPEATED],
           report->counts[MG_SEND_IS_REFUSED], report->counts[MG_SEND_IS_FAILED]);
    if (report->unverified > 0)
        printf(", %" PRIu64 " RECEIPTS NOT VERIFIED", report->unverified);
    printf("; %.2f s, %.1f messages/s, p50 %.1f ms, p99 %.1f ms\n", seconds(report),
           (double)done(report) / seconds(report),
           (double)mg_send_histogram_quantile(&report->times, 0.50) / 1e3,
           (double)mg_send_histogram_quantile(&report->times, 0.99) / 1e3);
}

/* ---- both ---- */

void mg_send_report_add(struct mg_send_report *report, const struct mg_send_result *result,
                        const struct mg_send_receipt *receipt)
{
    bool taken = result->kind == MG_SEND_IS_ACCEPTED || result->kind == MG_SEND_IS_REPEATED;
    bool plain = taken && result->verified && !report->options->verbose;
    report->counts[result->kind]++;
    if (taken && !result->verified)
        report->unverified++;
    if (result->status)
        mg_send_histogram_add(&report->times, (uint64_t)result->microseconds);
    if (report->options->json) {
        show_json(result);
    } else if (!plain || report->total < MANY || !isatty(STDOUT_FILENO)) {
        wipe_progress(report);
        show_line(report, result, receipt);
    }
}

int mg_send_report_end(struct mg_send_report *report)
{
    wipe_progress(report);
    if (report->options->json)
        summarise_json(report);
    else if (report->total > 1)
        summarise(report);
    if (report->unverified > 0)
        return MG_SEND_UNVERIFIED;
    if (report->counts[MG_SEND_IS_FAILED] > 0 || done(report) < report->total)
        return MG_SEND_FAILED;
    return report->counts[MG_SEND_IS_REFUSED] > 0 ? MG_SEND_REFUSED : MG_SEND_ACCEPTED;
}

static const char *state_of(const struct mg_receipt_reading *reading)
{
    const char *state = mg_receipt_state(reading->status);
    return state ? state : "unknown";
}

static void status_json(const char *id, const struct mg_send_receipt *receipt,
                        const struct mg_error *error)
{
    const struct mg_receipt_reading *reading = &receipt->reading;
    struct mg_buffer line = {0};
    mg_buffer_add_text(&line, "{");
    add_json(&line, "id", id);
    add_json(&line, "gateway", reading->gateway);
    add_json(&line, "state", state_of(reading));
    mg_buffer_print(&line, ",\"verified\":%s,\"events\":[", error ? "false" : "true");
    for (size_t i = 0; i < reading->entry_count; i++) {
        struct mg_buffer event = {0};
        mg_buffer_add_text(&event, "{");
        add_json(&event, "time", reading->entries[i].time);
        add_json(&event, "level", reading->entries[i].level);
        add_json(&event, "code", reading->entries[i].code);
        add_json(&event, "text", reading->entries[i].reason);
        mg_buffer_print(&line, "%s%s}", i > 0 ? "," : "", event.data);
        mg_buffer_free(&event);
    }
    mg_buffer_add_text(&line, "]");
    if (error) {
        add_json(&line, "code", error->code);
        add_json(&line, "text", error->text);
    }
    write_line(&line);
}

void mg_send_report_status(const struct mg_send_options *options,
                           const struct mg_send_receipt *receipt, const struct mg_error *error)
{
    if (options->json) {
        status_json(options->status, receipt, error);
        return;
    }
    printf("%-8s  %s  report of %s, %s\n", state_of(&receipt->reading), options->status,
           receipt->reading.gateway, error ? "NOT VERIFIED" : "verified");
    if (error)
        show_reason(error);
    else if (options->verbose)
        printf("          signed by %s\n", receipt->signer);
    show_entries(receipt);
}

void mg_send_report_no_status(const struct mg_send_options *options, int status,
                              const struct mg_error *error)
{
    struct mg_buffer line = {0};
    if (!options->json) {
        printf("%-8s  %s\n", status ? "refused" : "failed", options->status);
        show_reason(error);
        return;
    }
    mg_buffer_add_text(&line, "{");
    add_json(&line, "id", options->status);
    add_json(&line, "state", status ? "refused" : "failed");
    mg_buffer_print(&line, ",\"status\":%d", status);
    add_json(&line, "code", error->code);
    add_json(&line, "place", error->place);
    add_json(&line, "text", error->text);
    write_line(&line);
}
