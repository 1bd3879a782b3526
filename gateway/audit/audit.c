#include "gateway/audit/trail.h"

#include "config.h"
#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines on their way to the disk: more come only if the disk no longer writes. */
#define WRITING_LIMIT 4096

struct mg_audit *mg_audit_new(const struct mg_audit_options *options)
{
    struct mg_audit *audit = mg_allocate_zeroed(1, sizeof *audit);
    audit->options = *options;
    pthread_mutex_init(&audit->lock, NULL);
    mg_audit_start_upkeep(audit);
    return audit;
}

void mg_audit_free(struct mg_audit *audit)
{
    if (!audit)
        return;
    mg_audit_free_upkeep(audit);
    for (struct account *account = audit->accounts, *next; account; account = next) {
        next = account->next;
        free(account->looks);
        free(account);
    }
    mg_config_release(audit->config);
    free(audit->folder);
    pthread_mutex_destroy(&audit->lock);
    free(audit);
}

void mg_audit_apply(struct mg_audit *audit, struct mg_config *config)
{
    struct mg_config *before = audit->config;
    if (!before || before->audit_export == MG_EXPORT_NONE)
        audit->asked_at = mg_store_journal_last(audit->options.store);
    audit->config = mg_config_hold(config);
    /* Where the store is, is not changed by a reload. */
    if (!audit->folder)
        audit->folder = mg_copy_text(config->store);
    mg_config_release(before);
}

/* ---- writing a line ---- */

struct writing {
    struct mg_store_note note; /* first */
    struct mg_audit *audit;
    char *line;
    char *subject;
    void (*done)(bool ok, const struct mg_error *error, void *context);
    void *context;
};

static void tell_lost(const char *line, const char *code, const char *reason)
{
    mg_log(MG_LOG_ERROR, "audit.not-written", "code", code, "reason", reason, "entry", line, NULL);
}

void mg_audit_note_trouble(struct mg_audit *audit, enum trouble trouble,
                           const struct mg_error *error)
{
    if (error)
        audit->troubles[trouble] = *error;
    else
        audit->troubles[trouble].code[0] = '\0';
}

static void written(struct mg_store_note *note)
{
    struct writing *writing = (struct writing *)note;
    mg_audit_note_trouble(writing->audit, TROUBLE_WRITING, note->ok ? NULL : &note->error);
    if (!note->ok)
        tell_lost(writing->line, note->error.code, note->error.text);
    if (writing->done)
        writing->done(note->ok, &note->error, writing->context);
    atomic_fetch_sub(&writing->audit->writing, 1);
    free(writing->subject);
    free(writing->line);
    free(writing);
}

/* The store finds lines by short subjects alone. */
static char *copy_subject(const char *subject)
{
    bool fits = subject && *subject && strlen(subject) < MG_STORE_SUBJECT_SIZE;
    return fits ? mg_copy_text(subject) : NULL;
}

bool mg_audit_write(struct mg_audit *audit, const char *subject, const char *line,
                    void (*done)(bool ok, const struct mg_error *error, void *context),
                    void *context)
{
    if (atomic_fetch_add(&audit->writing, 1) >= WRITING_LIMIT) {
        atomic_fetch_sub(&audit->writing, 1);
        return false;
    }
    struct writing *writing = mg_allocate_zeroed(1, sizeof *writing);
    writing->audit = audit;
    writing->line = mg_copy_text(line);
    writing->subject = copy_subject(subject);
    writing->done = done;
    writing->context = context;
    writing->note =
        (struct mg_store_note){.subject = writing->subject, .line = writing->line, .done = written};
    mg_store_note(audit->options.store, &writing->note);
    return true;
}

void mg_audit_write_or_tell(struct mg_audit *audit, const char *subject,
                            const struct mg_buffer *line)
{
    if (!mg_audit_write(audit, subject, line->data, NULL, NULL))
        tell_lost(line->data, "audit.busy", "too many entries are waiting for the disk");
}

/* ---- what is bounded ---- */

static int64_t this_minute(void)
{
    return mg_clock_monotonic() / 60000000;
}

static struct account *account_of(struct mg_audit *audit, const char *member, const char *name)
{
    for (struct account *account = audit->accounts; account; account = account->next)
        if (strcmp(account->member, member) == 0 && strcmp(account->name, name) == 0)
            return account;
    size_t size = strlen(name) + 1;
    struct account *account = mg_allocate_zeroed(1, sizeof *account + size);
    account->member = member;
    account->minute = this_minute();
    memcpy(account->name, name, size);
    account->next = audit->accounts;
    audit->accounts = account;
    return account;
}

/* Under the lock. */
static void write_rest(struct mg_audit *audit, struct account *account)
{
    if (account->unwritten > 0) {
        struct mg_buffer line = {0};
        struct mg_json json = {.buffer = &line};
        mg_json_object(&json, NULL);
        mg_json_text(&json, "act",
                     strcmp(account->member, "by") == 0 ? "denied-more" : "refused-more");
        mg_json_text(&json, account->member, account->name);
        mg_json_number(&json, "count", account->unwritten);
        mg_json_end_object(&json);
        mg_audit_write_or_tell(audit, NULL, &line);
        mg_buffer_free(&line);
    }
    account->unwritten = 0;
    account->written = 0;
}

/* False if there were too many in this minute: then it is counted. */
static bool may_write(struct mg_audit *audit, const char *member, const char *name)
{
    pthread_mutex_lock(&audit->lock);
    struct account *account = account_of(audit, member, name);
    int64_t minute = this_minute();
    if (account->minute != minute)
        write_rest(audit, account);
    account->minute = minute;
    bool may = account->written < MG_AUDIT_REFUSALS;
    if (may)
        account->written++;
    else
        account->unwritten++;
    pthread_mutex_unlock(&audit->lock);
    return may;
}

/* Under the lock. *is_new: it is not written yet. False: no more may be seen in this minute. */
static bool remember_look(struct account *account, const struct look *look, bool *is_new)
{
    int64_t minute = this_minute();
    if (!account->looks)
        account->looks = mg_allocate_zeroed(MG_AUDIT_LOOKS, sizeof *account->looks);
    if (account->look_minute != minute)
        account->look_count = 0;
    account->look_minute = minute;
    for (size_t i = 0; i < account->look_count; i++) {
        const struct look *other = &account->looks[i];
        if (other->whole == look->whole &&
            memcmp(&other->message, &look->message, sizeof look->message) == 0)
            return true;
    }
    *is_new = account->look_count < MG_AUDIT_LOOKS;
    if (*is_new)
        account->looks[account->look_count++] = *look;
    return *is_new;
}

/* ---- callers that nobody knows ---- */

/* An address alone would name a person's connection; the network says enough. */
static void write_network(const char *peer, char *network, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN];
    uint8_t bytes[16] = {0};
    bool is_6 = peer[0] == '[';
    const char *end = strrchr(peer, is_6 ? ']' : ':');
    size_t length = end && end > peer + is_6 ? (size_t)(end - peer) - is_6 : 0;
    network[0] = '\0';
    if (length == 0 || length >= sizeof address)
        return;
    memcpy(address, peer + is_6, length);
    if (inet_pton(is_6 ? AF_INET6 : AF_INET, address, bytes) != 1)
        return;
    memset(bytes + (is_6 ? 6 : 3), 0, sizeof bytes - (is_6 ? 6 : 3));
    inet_ntop(is_6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
    snprintf(network, size, "%s/%d", text, is_6 ? 48 : 24);
}

/* Under the lock. */
static void write_unknown(struct mg_audit *audit)
{
    if (audit->unknown.count > 0) {
        struct mg_buffer line = {0};
        struct mg_json json = {.buffer = &line};
        mg_json_object(&json, NULL);
        mg_json_text(&json, "act", "unknown-callers");
        mg_json_number(&json, "count", audit->unknown.count);
        if (audit->unknown.network[0])
            mg_json_text(&json, "network", audit->unknown.network);
        mg_json_end_object(&json);
        mg_audit_write_or_tell(audit, NULL, &line);
        mg_buffer_free(&line);
    }
    audit->unknown.count = 0;
}

void mg_audit_unknown_caller(struct mg_audit *audit, const char *peer)
{
    pthread_mutex_lock(&audit->lock);
    int64_t minute = this_minute();
    if (audit->unknown.minute != minute)
        write_unknown(audit);
    audit->unknown.minute = minute;
    if (audit->unknown.count++ == 0)
        write_network(peer ? peer : "", audit->unknown.network, sizeof audit->unknown.network);
    audit->unknown.all++;
    pthread_mutex_unlock(&audit->lock);
}

/* ---- what is written ---- */

void mg_audit_refused(struct mg_audit *audit, const char *partner, const char *source,
                      const char *uuid, const char *code, const char *peer)
{
    if (!partner) {
        mg_audit_unknown_caller(audit, peer);
        return;
    }
    if (!may_write(audit, "partner", partner))
        return;
    struct mg_buffer line = {0};
    struct mg_json json = {.buffer = &line};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "act", "refused");
    mg_json_text(&json, "partner", partner);
    mg_json_text(&json, "source", source);
    if (uuid && *uuid)
        mg_json_text(&json, "uuid", uuid);
    mg_json_text(&json, "code", code);
    mg_json_end_object(&json);
    mg_audit_write_or_tell(audit, uuid, &line);
    mg_buffer_free(&line);
}

void mg_audit_act(struct mg_audit *audit, const struct mg_audit_act *act,
                  void (*done)(bool ok, const struct mg_error *error, void *context), void *context)
{
    struct mg_error error = {.code = ""};
    struct mg_buffer line = {0};
    char id[MG_ID_TEXT_SIZE];
    bool denied = strcmp(act->act, "denied") == 0;
    if (denied && !may_write(audit, "by", act->by ? act->by : "")) {
        if (done)
            done(true, &error, context);
        return;
    }
    mg_audit_write_act(&line, act);
    const char *subject = act->message ? mg_id_text(act->message, id) : act->uuid;
    if (!mg_audit_write(audit, subject, line.data, done, context)) {
        mg_fail(&error, "audit.busy", "too many entries are waiting for the disk");
        tell_lost(line.data, error.code, error.text);
        if (done)
            done(false, &error, context);
    }
    mg_buffer_free(&line);
}

bool mg_audit_looked(struct mg_audit *audit, const struct mg_audit_act *act)
{
    const struct look look = {.message = *act->message, .whole = !act->what};
    bool is_new = false;
    pthread_mutex_lock(&audit->lock);
    bool may = remember_look(account_of(audit, "by", act->by ? act->by : ""), &look, &is_new);
    pthread_mutex_unlock(&audit->lock);
    if (is_new)
        mg_audit_act(audit, act, NULL, NULL);
    return may;
}

void mg_audit_gateway(struct mg_audit *audit, const char *act, const char *configuration,
                      const char *reason)
{
    struct mg_buffer line = {0};
    struct mg_json json = {.buffer = &line};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "act", act);
    mg_json_text(&json, "version", PACKAGE_VERSION);
    if (configuration)
        mg_json_text(&json, "configuration", configuration);
    if (reason && *reason)
        mg_json_text(&json, "reason", reason);
    mg_json_end_object(&json);
    mg_audit_write_or_tell(audit, NULL, &line);
    mg_buffer_free(&line);
}

/* ---- now and then ---- */

static void write_counted(struct mg_audit *audit, int64_t minute)
{
    pthread_mutex_lock(&audit->lock);
    for (struct account *account = audit->accounts; account; account = account->next)
        if (account->minute != minute)
            write_rest(audit, account);
    if (audit->unknown.minute != minute)
        write_unknown(audit);
    pthread_mutex_unlock(&audit->lock);
}

void mg_audit_tick(struct mg_audit *audit)
{
    write_counted(audit, this_minute());
    if (!atomic_load(&audit->stopping) && audit->config && audit->options.background)
        mg_audit_do_upkeep(audit);
}

void mg_audit_stop(struct mg_audit *audit)
{
    atomic_store(&audit->stopping, true);
    write_counted(audit, -1);
}
