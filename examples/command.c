/*
 * command: an adapter in C that hands each message to a program of the city's own, a script for
 * example: the document on standard input, what is known of it in the environment. The exit status
 * says what became of it: 0 delivered, 75 (EX_TEMPFAIL of sysexits.h) try again later, everything
 * else refused for good. Whatever can be called from a shell is so connected in ten minutes.
 *
 *     cc -std=gnu11 -Wall -Wextra -fPIC -shared $(pkg-config --cflags muengsten-adapter) \
 *         -o command.so command.c
 *
 * A program takes its time, and the gateway's loop must not wait: so this happens in a work
 * function, on a thread of its own. If the gateway kills this process, a program that runs goes on,
 * and its message is handed to another one: like every receiver it has to know a repetition by its
 * MESSAGE_ID. Header and source together are meant to be read in ten minutes.
 */
#define _GNU_SOURCE
#include <muengsten/adapter.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY_AGAIN 75

struct command {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    const char *program;
    struct run *runs; /* those underway */
};

/* A program that runs, for one delivery. Loop and thread share what the lock guards. */
struct run {
    struct command *command;
    struct mg_delivery *delivery;
    pthread_mutex_t lock;
    pid_t pid; /* 0: not running */
    bool cancelled;
    int failure; /* errno, if the program could not run */
    int status;  /* as of waitpid(2) */
    struct run *next;
};

/* ---- on the thread ---- */

/* A file without a name that holds the document, ready to be read. -1 with errno. */
static int document_file(const struct run *run)
{
    const struct mg_gateway *gateway = run->command->gateway;
    char block[65536];
    int64_t offset = 0;
    ssize_t length;
    int file = memfd_create("document", MFD_CLOEXEC);
    while (file >= 0 && (length = gateway->delivery_read(run->delivery, MG_MESSAGE_DOCUMENT, offset,
                                                         block, sizeof block)) != 0) {
        if (length < 0 || write(file, block, (size_t)length) != length) {
            close(file);
            errno = EIO;
            return -1;
        }
        offset += length;
    }
    if (file >= 0)
        lseek(file, 0, SEEK_SET);
    return file;
}

/* Starts the program in a process group of its own. What it prints is nobody's business: it could
 * be the content of the message. What came with the message stands in the environment, where it is
 * no part of any command. */
static int start(const struct run *run, int document, pid_t *pid)
{
    const struct mg_message_facts *message = run->command->gateway->delivery_message(run->delivery);
    const char *facts[] = {message->id, message->type_code, message->author, message->reader};
    static const char *const names[] = {"MESSAGE_ID", "MESSAGE_TYPE", "AUTHOR", "READER"};
    char texts[4][1024], path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    char *environment[] = {texts[0], texts[1], texts[2], texts[3], path, NULL};
    char *arguments[] = {(char *)run->command->program, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t group;
    for (int i = 0; i < 4; i++)
        snprintf(texts[i], sizeof texts[i], "%s=%s", names[i], facts[i]);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, document, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_init(&group);
    posix_spawnattr_setflags(&group, POSIX_SPAWN_SETPGROUP);
    int failure = posix_spawn(pid, run->command->program, &files, &group, arguments, environment);
    posix_spawnattr_destroy(&group);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

static void work(void *context)
{
    struct run *run = context;
    siginfo_t ended;
    int document = document_file(run);
    run->failure = document < 0 ? errno : 0;
    pthread_mutex_lock(&run->lock);
    if (!run->failure && !run->cancelled)
        run->failure = start(run, document, &run->pid);
    pid_t pid = run->failure ? 0 : run->pid;
    pthread_mutex_unlock(&run->lock);
    if (pid > 0) {
        /* Until it is waited for below, its number is nobody else's, and may be killed. */
        while (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR)
            ;
        pthread_mutex_lock(&run->lock);
        waitpid(pid, &run->status, 0);
        run->pid = 0;
        pthread_mutex_unlock(&run->lock);
    }
    if (document >= 0)
        close(document);
}

/* ---- on the loop ---- */

/* What the program said: the difference between a message that waits and one that is dead. */
static void done(void *context)
{
    struct run *run = context, **link = &run->command->runs;
    const struct mg_gateway *gateway = run->command->gateway;
    struct mg_outcome outcome = {.size = sizeof outcome, .kind = MG_TEMPORARY};
    char text[200];
    while (*link != run)
        link = &(*link)->next;
    *link = run->next;
    if (run->cancelled) {
        outcome.code = "command.cancelled";
        snprintf(text, sizeof text, "The program was ended, since the delivery's time was over.");
    } else if (run->failure) {
        outcome.code = "command.start";
        snprintf(text, sizeof text, "The program cannot be run: %s.", strerror(run->failure));
    } else if (WIFSIGNALED(run->status)) {
        outcome.code = "command.signal";
        snprintf(text, sizeof text, "The program was ended by signal %d.", WTERMSIG(run->status));
    } else {
        int status = WEXITSTATUS(run->status);
        outcome.kind = status == 0           ? MG_DELIVERED
                       : status == TRY_AGAIN ? MG_TEMPORARY
                                             : MG_PERMANENT;
        outcome.code = "command.status";
        snprintf(text, sizeof text, "The program ended with the status %d.", status);
    }
    outcome.text = text;
    gateway->delivery_done(run->delivery, &outcome);
    pthread_mutex_destroy(&run->lock);
    free(run);
}

static void deliver(void *state, struct mg_delivery *delivery)
{
    struct command *command = state;
    static const struct mg_outcome busy = {.size = sizeof busy,
                                           .kind = MG_TEMPORARY,
                                           .code = "command.busy",
                                           .text = "Too many programs run."};
    struct run *run = calloc(1, sizeof *run);
    if (run) {
        *run = (struct run){.command = command, .delivery = delivery, .next = command->runs};
        pthread_mutex_init(&run->lock, NULL);
        command->runs = run;
        if (command->gateway->work(command->instance, work, done, run))
            return;
        command->runs = run->next;
        free(run);
    }
    command->gateway->delivery_done(delivery, &busy);
}

static void cancel(void *state, struct mg_delivery *delivery)
{
    struct command *command = state;
    for (struct run *run = command->runs; run; run = run->next) {
        if (run->delivery != delivery)
            continue;
        pthread_mutex_lock(&run->lock);
        run->cancelled = true;
        if (run->pid > 0)
            kill(-run->pid, SIGKILL);
        pthread_mutex_unlock(&run->lock);
    }
}

static void *open_command(const struct mg_gateway *gateway, struct mg_instance *instance,
                          const struct mg_instance_facts *facts)
{
    const char *program = gateway->parameter_text(instance, "program");
    struct command *command = access(program, X_OK) == 0 ? calloc(1, sizeof *command) : NULL;
    (void)facts;
    if (command)
        *command = (struct command){.gateway = gateway, .instance = instance, .program = program};
    else
        gateway->fail(instance, "command.program", "The program is not there or must not be run.");
    return command;
}

static const struct mg_parameter parameters[] = {
    {.name = "program",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The program that each message is handed to."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "command",
    .version = "1",
    .abilities = MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = open_command,
    .close = free,
    .deliver = deliver,
    .cancel = cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
