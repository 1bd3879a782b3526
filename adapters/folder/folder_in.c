/*
 * The way in: when to look through the folder. The system's notices (inotify) say when files come,
 * the interval catches what they miss (network file systems give none), and a file that was put
 * away makes room for the next. One look at a time; the files it picked up are handed in side by
 * side, `simultaneous` at most.
 */
#include "adapters/folder/folder_in.h"

#include "adapters/common/name.h"
#include "adapters/common/text.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static void scan_start(struct mg_folder_source *source);

static void interval_over(void *context)
{
    struct mg_folder_source *source = context;
    source->timer = NULL;
    scan_start(source);
}

static void schedule(struct mg_folder_source *source, int64_t milliseconds)
{
    const struct mg_gateway *gateway = source->folder.gateway;
    if (source->timer)
        gateway->timer_cancel(source->timer);
    source->timer = gateway->timer(source->folder.instance, milliseconds, interval_over, source);
}

static bool all_wait(const struct mg_folder_source *source)
{
    for (size_t i = 0; i < source->file_count; i++)
        if (!mg_folder_file_waits(source->files[i]))
            return false;
    return true;
}

/* Begins a look, or notes that another is due after the one that runs. */
static void scan_start(struct mg_folder_source *source)
{
    struct mg_folder_scan *scan = source->scan;
    if (source->scanning) {
        source->again = true;
        return;
    }
    bool may_reopen = all_wait(source);
    if (source->file_count == source->simultaneous && !may_reopen) {
        source->more = true; /* when a file is put away, or all wait, we look again */
        return;
    }
    source->scanning = true;
    source->again = source->more = false;
    for (size_t i = 0; i < source->file_count; i++)
        snprintf(scan->known[i], sizeof *scan->known, "%s", mg_folder_file_name(source->files[i]));
    scan->known_count = source->file_count;
    memcpy(scan->moved, source->moved, source->moved_count * sizeof *source->moved);
    scan->moved_count = source->moved_count;
    source->moved_count = 0;
    scan->room = source->simultaneous - source->file_count;
    scan->may_reopen = may_reopen;
    mg_folder_start(&scan->job);
}

static void watch_folder(struct mg_folder_source *source)
{
    /* The path, not the descriptor: if both differ, the next look opens the folder anew. */
    if (source->notices < 0 || inotify_add_watch(source->notices, source->folder.path,
                                                 IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
        source->folder.gateway->log(source->folder.instance, MG_LEVEL_WARNING, "folder.no-notices",
                                    NULL,
                                    "The system gives no notices of new files; they are found "
                                    "by looking through the folder at intervals.");
}

static void log_error(struct mg_folder_source *source, int error)
{
    char text[1024];
    if (error && error != source->error) {
        const char *code = mg_place_reason(error, source->folder.path, text, sizeof text);
        source->folder.gateway->log(source->folder.instance, MG_LEVEL_WARNING, code, NULL, text);
    }
    source->error = error;
}

static void scan_done(struct mg_folder_job *job)
{
    struct mg_folder_scan *scan = (struct mg_folder_scan *)job;
    struct mg_folder_source *source = scan->source;
    source->scanning = false;
    log_error(source, scan->error);
    if (scan->reopened)
        watch_folder(source);
    source->more = scan->more;
    for (size_t i = 0; i < scan->picked_count; i++)
        mg_folder_file_start(source, scan->picked[i]);
    if (source->again || scan->reopened)
        scan_start(source);
    else
        schedule(source,
                 scan->wait > 0 && scan->wait < source->interval ? scan->wait : source->interval);
}

void mg_folder_file_gone(struct mg_folder_source *source, struct mg_folder_file *file)
{
    size_t i = 0;
    while (source->files[i] != file)
        i++;
    source->files[i] = source->files[--source->file_count];
    if (source->more)
        scan_start(source);
}

void mg_folder_file_postponed(struct mg_folder_source *source)
{
    if (source->more && all_wait(source))
        scan_start(source);
}

/* Remembers files that were moved in: they are complete. What finds no place here waits until it is
 * settled. */
static void note_notice(struct mg_folder_source *source, const struct inotify_event *event)
{
    if (event->mask & IN_MOVED_TO && event->len > 0 && mg_name_is_wanted(event->name) &&
        source->moved_count < MG_FOLDER_MOVED)
        snprintf(source->moved[source->moved_count++], sizeof *source->moved, "%s", event->name);
}

static void notices_ready(void *context)
{
    struct mg_folder_source *source = context;
    alignas(struct inotify_event) char bytes[8192];
    ssize_t length = read(source->notices, bytes, sizeof bytes);
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
        note_notice(source, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    if (length > 0)
        scan_start(source);
}

static void source_free(struct mg_folder *folder)
{
    struct mg_folder_source *source = (struct mg_folder_source *)folder;
    mg_places_close(&source->places);
    free(source->scan);
    free(source);
}

static void scan_drop(struct mg_folder_job *job)
{
    /* The scan belongs to the source, and what it picked up lies in in-progress for the next start.
     */
    (void)job;
}

static struct mg_folder_source *source_new(const struct mg_gateway *gateway,
                                           struct mg_instance *instance)
{
    struct mg_folder_source *source = mg_text_allocate(1, sizeof *source);
    source->folder = (struct mg_folder){
        .gateway = gateway,
        .instance = instance,
        .path = gateway->parameter_text(instance, "folder"),
        .free = source_free,
    };
    source->interval = gateway->parameter_number(instance, "interval") * 1000;
    source->settle = gateway->parameter_number(instance, "settle") * 1000;
    source->simultaneous = (size_t)gateway->parameter_number(instance, "simultaneous");
    assert(source->simultaneous > 0 && source->simultaneous <= MG_FOLDER_FILES);
    source->places = (struct mg_places){-1, -1, -1, -1};
    source->notices = -1;
    source->scan = mg_text_allocate(1, sizeof *source->scan);
    source->scan->source = source;
    source->scan->job = (struct mg_folder_job){.folder = &source->folder,
                                               .work = mg_folder_scan_work,
                                               .done = scan_done,
                                               .drop = scan_drop};
    return source;
}

struct mg_folder *mg_folder_open_source(const struct mg_gateway *gateway,
                                        struct mg_instance *instance)
{
    struct mg_folder_source *source = source_new(gateway, instance);
    if (!mg_places_open(source->folder.path, &source->places)) {
        char text[1024];
        const char *code = mg_place_reason(errno, source->folder.path, text, sizeof text);
        gateway->fail(instance, code, text);
        source_free(&source->folder);
        return NULL;
    }
    source->accepted = gateway->counter(instance, "files_accepted", "Files handed in.");
    source->rejected = gateway->counter(instance, "files_rejected", "Files put into rejected.");
    source->postponed =
        gateway->counter(instance, "files_postponed", "Times a file was left for a later attempt.");
    source->notices = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch_folder(source);
    if (source->notices >= 0)
        source->watch = gateway->watch(instance, source->notices, notices_ready, source);
    /* No message may come before every instance is open. */
    schedule(source, 0);
    return &source->folder;
}

void mg_folder_close_source(struct mg_folder *folder)
{
    struct mg_folder_source *source = (struct mg_folder_source *)folder;
    if (source->timer)
        folder->gateway->timer_cancel(source->timer);
    if (source->watch)
        folder->gateway->watch_end(source->watch);
    if (source->notices >= 0)
        close(source->notices);
    mg_folder_withdraw(&source->scan->job);
    while (source->file_count > 0)
        mg_folder_file_close(source->files[--source->file_count]);
    mg_folder_close(folder);
}
