/* muengstenctl backup FILE, restore FILE */
#include "gateway/audit/export.h"
#include "gateway/audit/lines.h"
#include "gateway/base/clock.h"
#include "gateway/store/backup.h"
#include "tools/control/client.h"
#include "tools/control/pick.h"
#include "tools/control/say.h"
#include "tools/control/words.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (24 * 3600) /* until the first byte: the gateway makes it whole before */

/* ---- backup ---- */

struct target {
    const char *path;
    char part[4096]; /* what it is called until it is whole */
    int file;
    int64_t size;
};

static bool fail_with_errno(struct mg_error *error, const char *path)
{
    mg_fail(error, "control.file",
            mg_say("The file cannot be written: %s.", "Die Datei kann nicht geschrieben werden: "
                                                      "%s."),
            strerror(errno));
    mg_error_at(error, "%s", path);
    return false;
}

/* Only the user may read it, since it has every message in it: so it is a new file, and none that
 * somebody has put there. */
static bool open_target(struct target *target, bool force, struct mg_error *error)
{
    target->file = -1;
    if (!force && access(target->path, F_OK) == 0) {
        errno = EEXIST;
        return fail_with_errno(error, target->path);
    }
    snprintf(target->part, sizeof target->part, "%s.part", target->path);
    unlink(target->part); /* of a backup that was broken off */
    target->file = open(target->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return target->file >= 0 || fail_with_errno(error, target->part);
}

static bool take(const void *bytes, size_t length, void *context, struct mg_error *error)
{
    struct target *target = context;
    const char *at = bytes;
    target->size += (int64_t)length;
    while (length > 0) {
        ssize_t written = write(target->file, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_with_errno(error, target->part);
        at += written;
        length -= (size_t)written;
    }
    return true;
}

/* So that a loss of power does not take the name back. */
static bool sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    return synced;
}

/* It bears its name only once all of it is on disk. */
static bool finish(struct target *target, struct mg_error *error)
{
    return (fsync(target->file) == 0 && rename(target->part, target->path) == 0 &&
            sync_folder(target->path)) ||
           fail_with_errno(error, target->path);
}

static int tell(const struct mg_control *control, const struct target *target)
{
    char room[MG_PICK_SIZE];
    json_t *answer =
        json_pack("{s:s, s:I}", "file", target->path, "bytes", (json_int_t)target->size);
    int end = MG_CONTROL_DONE;
    if (control->options.json) {
        end = mg_control_show_json(answer, end);
    } else {
        struct mg_buffer text = {0};
        mg_screen_text(&text, target->path);
        mg_buffer_print(&text, mg_say(": backup of %s\n", ": Sicherung von %s\n"),
                        mg_pick_bytes(answer, "bytes", room));
        end = mg_control_show(&text, end);
    }
    json_decref(answer);
    return end;
}

int mg_control_backup(struct mg_control *control)
{
    struct target target = {.path = control->words[0]};
    struct mg_error error = {.code = ""};
    const char *why = control->options.why;
    json_t *answer = NULL, *body = json_pack("{s:s}", "why", why ? why : "backup");
    const struct mg_client_request request = {
        .socket = control->options.socket,
        .method = "POST",
        .target = "/backup",
        .body = body,
        .patience = PATIENCE,
        .take = take,
        .context = &target,
    };
    int end = MG_CONTROL_USAGE;
    if (!body)
        end = mg_control_mistake(
            mg_say("--why has to be text in UTF-8.", "--why muss Text in UTF-8 sein."));
    else if (!open_target(&target, control->options.force, &error))
        end = mg_control_fail(&error, end);
    else if ((end = mg_client_ask(&request, &answer, &error)) != MG_CONTROL_DONE)
        end = mg_control_fail(&error, end);
    else if (!finish(&target, &error))
        end = mg_control_fail(&error, MG_CONTROL_USAGE);
    else
        end = tell(control, &target);
    if (target.file >= 0) {
        close(target.file);
        unlink(target.part);
    }
    json_decref(answer);
    json_decref(body);
    return end;
}

/* ---- restore ---- */

/* What is told of a restore, at its end: before that nothing is certain. */
struct account {
    bool json;
    json_t *held, *lost, *erased;
    int64_t held_count, lost_count, erased_count;
    struct mg_buffer text;
};

static json_t *describe(const struct mg_store_restored *entry)
{
    char id[MG_ID_TEXT_SIZE], received[MG_CLOCK_TEXT_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s}", "id", mg_id_text(&entry->message, id), "uuid",
                     entry->uuid, "partner", entry->partner, "received",
                     mg_clock_text(entry->received, received));
}

/* As the gateway calls them. A store that is restored may hold any number. */
static const char *state_name(enum mg_delivery_state state)
{
    static const char *const names[] = {
        [MG_DELIVERY_WAITING] = "waiting",     [MG_DELIVERY_RUNNING] = "running",
        [MG_DELIVERY_HELD] = "held",           [MG_DELIVERY_DELIVERED] = "delivered",
        [MG_DELIVERY_DEAD] = "dead",           [MG_DELIVERY_CANCELLED] = "cancelled",
        [MG_DELIVERY_COLLECTED] = "collected",
    };
    return (size_t)state < sizeof names / sizeof *names ? names[state] : "unknown";
}

static json_t *describe_delivery(const struct mg_store_restored *delivery)
{
    return json_pack("{s:s, s:s, s:i}", "destination", delivery->destination, "state",
                     state_name(delivery->state), "attempts", delivery->attempts);
}

static void note_held(const struct mg_store_restored *entry, void *context)
{
    struct account *account = context;
    char id[MG_ID_TEXT_SIZE];
    const char *state = state_name(entry->state);
    if (account->held_count++ == 0 && !account->json)
        mg_buffer_add_text(
            &account->text,
            mg_say("These may have been delivered since, and are held:\n",
                   "Diese können seitdem zugestellt worden sein und werden zurückgehalten:\n"));
    if (account->json) {
        json_t *object = describe(entry);
        json_object_update_new(object, describe_delivery(entry));
        json_array_append_new(account->held, object);
        return;
    }
    mg_buffer_print(&account->text, "%s  ", mg_id_text(&entry->message, id));
    mg_screen_text(&account->text, entry->destination);
    mg_buffer_print(&account->text, mg_say("  was %s, %d attempts", "  war: %s, %d Versuche"),
                    mg_words_say("delivery", state), entry->attempts);
    mg_buffer_add_text(&account->text, "\n");
}

static void note_lost(const struct mg_store_restored *entry, void *context)
{
    struct account *account = context;
    char id[MG_ID_TEXT_SIZE];
    if (account->lost_count++ == 0 && !account->json)
        mg_buffer_add_text(
            &account->text,
            mg_say("\nThese were accepted after the backup, and are not in it; their senders have "
                   "receipts:\n",
                   "\nDiese wurden nach der Sicherung angenommen und fehlen darin; ihre Absender "
                   "haben Quittungen:\n"));
    if (account->json) {
        json_t *object = describe(entry);
        json_object_set_new(object, "deliveries", json_array());
        json_array_append_new(account->lost, object);
        return;
    }
    mg_buffer_print(&account->text, "%s  ", mg_id_text(&entry->message, id));
    mg_screen_text(&account->text, entry->partner);
    mg_buffer_add_text(&account->text, "  ");
    mg_screen_text(&account->text, entry->uuid);
    mg_buffer_add_text(&account->text, "\n");
}

/* What of a lost message has arrived: nobody knows it of a delivery that was underway. */
static void note_lost_delivery(const struct mg_store_restored *entry, void *context)
{
    struct account *account = context;
    const char *state = state_name(entry->state);
    bool delivered = entry->state == MG_DELIVERY_DELIVERED || entry->state == MG_DELIVERY_COLLECTED;
    bool unknown =
        entry->state == MG_DELIVERY_RUNNING || (unsigned)entry->state > MG_DELIVERY_CANCELLED;
    if (account->json) {
        json_t *object = describe_delivery(entry);
        json_t *message = json_array_get(account->lost, json_array_size(account->lost) - 1);
        json_object_set_new(object, "delivered", unknown ? json_null() : json_boolean(delivered));
        json_array_append_new(json_object_get(message, "deliveries"), object);
        return;
    }
    mg_buffer_add_text(&account->text, "    ");
    mg_screen_text(&account->text, entry->destination);
    mg_buffer_print(&account->text,
                    unknown     ? mg_say("  perhaps delivered (%s)", "  vielleicht zugestellt (%s)")
                    : delivered ? "  %s"
                                : mg_say("  not delivered (%s)", "  nicht zugestellt (%s)"),
                    mg_words_say("delivery", state));
    mg_buffer_add_text(&account->text, "\n");
}

static void note_erased(const struct mg_store_restored *entry, void *context)
{
    struct account *account = context;
    char id[MG_ID_TEXT_SIZE];
    if (account->erased_count++ == 0 && !account->json)
        mg_buffer_add_text(
            &account->text,
            mg_say("\nThese were erased after the backup, and are back; erase them again, with "
                   "muengstenctl erase ID --why …:\n",
                   "\nDiese wurden nach der Sicherung gelöscht und sind wieder da; löschen Sie sie "
                   "erneut, mit muengstenctl erase ID --why …:\n"));
    if (account->json) {
        json_array_append_new(account->erased, describe(entry));
        return;
    }
    mg_buffer_print(&account->text, "%s  ", mg_id_text(&entry->message, id));
    mg_screen_text(&account->text, entry->partner);
    mg_buffer_add_text(&account->text, "\n");
}

static void sum_up(struct account *account, const struct mg_store_restore *restore)
{
    char made[MG_CLOCK_TEXT_SIZE], now[MG_CLOCK_TEXT_SIZE];
    struct mg_buffer *text = &account->text;
    mg_clock_text(restore->time, made);
    mg_clock_text(restore->now, now);
    mg_buffer_print(text,
                    mg_say("\nRestored: %lld messages as of %s; %lld deliveries are held.\n",
                           "\nWiederhergestellt: %lld Nachrichten, Stand %s; %lld Zustellungen "
                           "werden zurückgehalten.\n"),
                    (long long)restore->messages, made, (long long)account->held_count);
    mg_buffer_print(text,
                    mg_say("What was accepted between %s and %s is not in it. Senders may send it "
                           "again, with the same UUID.\n",
                           "Was zwischen %s und %s angenommen wurde, fehlt. Absender können es "
                           "erneut senden, mit derselben UUID.\n"),
                    made, now);
    if (restore->aside[0])
        mg_buffer_print(
            text,
            mg_say("The store before lies in %s below the folder%s.\n",
                   "Der bisherige Speicher liegt in %s unter dem Ordner%s.\n"),
            restore->aside,
            restore->aside_read ? "" : mg_say(", and cannot be read", " und ist nicht lesbar"));
    mg_buffer_add_text(
        text,
        mg_say("What shall be delivered again: muengstenctl retry ID --why …, or all of a "
               "destination:\nmuengstenctl retry --all --state held --destination NAME --why …\n",
               "Was erneut zugestellt werden soll: muengstenctl retry ID --why …, oder alles "
               "eines Ziels:\nmuengstenctl retry --all --state held --destination NAME --why "
               "…\n"));
}

static int finish_account(struct account *account, const struct mg_store_restore *restore)
{
    char made[MG_CLOCK_TEXT_SIZE];
    if (!account->json) {
        sum_up(account, restore);
        return mg_control_show(&account->text, MG_CONTROL_DONE);
    }
    json_t *answer = json_pack(
        "{s:s, s:I, s:O, s:O, s:O, s:s?}", "time", mg_clock_text(restore->time, made), "messages",
        (json_int_t)restore->messages, "held", account->held, "lost", account->lost, "erased",
        account->erased, "aside", restore->aside[0] ? restore->aside : NULL);
    int end = mg_control_show_json(answer, MG_CONTROL_DONE);
    json_decref(answer);
    return end;
}

/* For the audit trail: who restored what. */
static void write_line(const struct mg_control *control, struct mg_buffer *line)
{
    char number[32];
    const struct passwd *user = getpwuid(getuid());
    snprintf(number, sizeof number, "%lu", (unsigned long)getuid());
    const struct mg_audit_act act = {
        .act = "restore",
        .by = user ? user->pw_name : number,
        .way = "offline",
        .why = control->options.why,
    };
    mg_audit_write_act(line, &act);
}

/* What is in the way is the user's to decide about; everything else has to be mended. */
static int fail_restoring(struct mg_error *error)
{
    bool exists = strcmp(error->code, "store.exists") == 0;
    if (exists)
        mg_fail(
            error, "store.exists",
            mg_say("There is a store in the folder. --force moves it aside, into a folder below "
                   "it.",
                   "In dem Ordner ist ein Speicher. --force schiebt ihn beiseite, in einen "
                   "Ordner darunter."));
    return mg_control_fail(error, exists || strcmp(error->code, "store.in-use") == 0
                                      ? MG_CONTROL_NO
                                      : MG_CONTROL_USAGE);
}

int mg_control_restore(struct mg_control *control)
{
    struct mg_error error = {.code = ""};
    struct mg_buffer line = {0};
    if (!control->options.store)
        return mg_control_mistake(
            mg_say("Give --store, the folder of <store folder=\"…\">.",
                   "Geben Sie --store an, den Ordner von <store folder=\"…\">."));
    struct account account = {.json = control->options.json,
                              .held = json_array(),
                              .lost = json_array(),
                              .erased = json_array()};
    write_line(control, &line);
    struct mg_store_restore restore = {
        .file = control->words[0],
        .folder = control->options.store,
        .replace = control->options.force,
        .now = mg_clock_now(),
        .line = line.data,
        .held = note_held,
        .lost = note_lost,
        .lost_delivery = note_lost_delivery,
        .erased = note_erased,
        .context = &account,
    };
    int end = mg_store_restore(&restore, &error) ? finish_account(&account, &restore)
                                                 : fail_restoring(&error);
    if (end == MG_CONTROL_DONE &&
        !mg_audit_export_restored(restore.folder, restore.journal, &error))
        end = mg_control_fail(&error, MG_CONTROL_USAGE);
    mg_buffer_free(&account.text);
    mg_buffer_free(&line);
    json_decref(account.held);
    json_decref(account.lost);
    json_decref(account.erased);
    return end;
}
