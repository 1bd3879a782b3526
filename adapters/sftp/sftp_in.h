/*
 * sftp_in: the state of a source, shared by its files: sftp_in.c (when to look, and in which order
 * files are handed in), sftp_look.c (looking and picking up, on the other thread) and sftp_file.c
 * (one file, from picked up to put away).
 *
 * A source has one connection and does one thing at a time: it looks, then hands in what it picked
 * up, one file after the other in the order of their names. While a task of it runs, only that task
 * touches what is marked so.
 */
#ifndef MUENGSTEN_ADAPTERS_SFTP_SFTP_IN_H
#define MUENGSTEN_ADAPTERS_SFTP_SFTP_IN_H

#include "adapters/common/text.h"
#include "adapters/sftp/remote.h"
#include "adapters/sftp/sftp.h"

#define MG_SFTP_BATCH     64  /* files that one look picks up, at most */
#define MG_SFTP_SEEN      256 /* files that are remembered until they are settled, at most */
#define MG_SFTP_POSTPONED 64  /* files that wait for a later attempt, at most */

/* Folders below the source's. */
#define MG_SFTP_IN_PROGRESS "in-progress"
#define MG_SFTP_REJECTED    "rejected"
#define MG_SFTP_RECEIPTS    "receipts"
#define MG_SFTP_DONE        "done"

typedef char mg_sftp_name[MG_REMOTE_NAME];

/* A file in the folder, as it was when we last looked. */
struct mg_sftp_seen {
    mg_sftp_name name;
    uint64_t size;
    uint64_t changed;
    int64_t since; /* for how long it is so: by our own clock, in milliseconds */
};

/* A file in in-progress that could not be handed in for now. */
struct mg_sftp_postponed {
    mg_sftp_name name;
    int64_t pause; /* milliseconds */
    int64_t due;
};

struct mg_sftp_source {
    struct mg_sftp sftp; /* first */
    struct mg_task task;
    bool busy;        /* the task runs, or we are below a call of the gateway */
    atomic_bool stop; /* tells the task to come back */
    int64_t interval; /* milliseconds */
    int64_t settle;   /* milliseconds */
    bool keep;
    struct mg_timer *timer; /* until the next look */
    int64_t pause;          /* after trouble with the server */

    /* The task's while it runs. */
    struct mg_session *session;
    struct mg_failure failure;
    bool prepared; /* the folders below are there */
    struct mg_sftp_seen seen[MG_SFTP_SEEN];
    size_t seen_count;
    mg_sftp_name batch[MG_SFTP_BATCH]; /* in in-progress, to be handed in now */
    size_t batch_count;
    size_t batch_at;
    bool more;    /* there was no room for all */
    int64_t wait; /* milliseconds until the next file is settled; 0: none waits */
    struct mg_sftp_postponed postponed[MG_SFTP_POSTPONED];
    size_t postponed_count;

    /* The file that is being handed in. */
    LIBSSH2_SFTP_HANDLE *file;
    uint64_t size;
    uint64_t offset;
    char *block;
    ssize_t block_length;
    struct mg_submission *submission; /* NULL: none, or its handle has ended */
    struct mg_timer *answer;          /* until the gateway's answer is waited for no longer */
    bool ended;
    struct mg_text paper; /* the receipt, or the reason of a refusal */
    enum { MG_SFTP_ACCEPTED, MG_SFTP_REJECTED_FILE, MG_SFTP_LATER } result;
    int64_t retry_after; /* milliseconds */

    struct mg_counter *accepted;
    struct mg_counter *rejected;
    struct mg_counter *later;
};

int64_t mg_sftp_now(void);

/* Remembers what was seen of a file in seen, the old list, as of now. True if it has not changed
 * for the time of settle; otherwise wait, which may be NULL, is lowered to what is left of it. */
bool mg_sftp_is_settled(const struct mg_sftp_seen *seen, size_t count, struct mg_sftp_seen *file,
                        int64_t settle, int64_t now, int64_t *wait);

/* The work of a look (sftp_look.c). */
void mg_sftp_look(struct mg_task *task);

/* Runs a step of the source on the other thread. */
void mg_sftp_step(struct mg_sftp_source *source, void (*work)(struct mg_task *task),
                  void (*done)(struct mg_task *task));

/* Hands in the file of the batch whose turn it is (sftp_file.c). */
void mg_sftp_file_begin(struct mg_sftp_source *source);
/* Breaks off what is underway. */
void mg_sftp_file_abort(struct mg_sftp_source *source);

/* The file was put away, or is left for later; the next one may come (sftp_in.c). */
void mg_sftp_file_over(struct mg_sftp_source *source);
/* The server cannot be worked with: everything else waits (sftp_in.c). */
void mg_sftp_trouble(struct mg_sftp_source *source);

#endif
