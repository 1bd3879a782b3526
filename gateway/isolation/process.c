#include "gateway/isolation/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STANDARD_MEMORY (INT64_C(512) * 1024 * 1024)
#define STANDARD_FILES  256
#define MOST_GROUPS     64

/* Everything the child needs to know, made before the fork: a child of a process with threads may
 * call nothing that takes a lock. */
struct plan {
    const char *arguments[3];
    struct rlimit memory, files;
    bool changes_user;
    uid_t user;
    gid_t group;
    gid_t groups[MOST_GROUPS];
    int group_count;
    pid_t parent;
    int stream, errors; /* the child's ends */
    int report;         /* where it says what failed */
};

/* What the child says when it cannot become what it was to be. */
struct failure {
    int reason;
    int step;
};

static const char *const steps[] = {"its process group", "its descriptors", "its limits",
                                    "its user",          "its rights",      "its program"};
enum step { STEP_GROUP, STEP_DESCRIPTORS, STEP_LIMITS, STEP_USER, STEP_RIGHTS, STEP_PROGRAM };

/* ---- users ---- */

static bool find_user(const char *name, struct passwd *entry, char *room, size_t size,
                      struct mg_error *error)
{
    struct passwd *found = NULL;
    int reason = getpwnam_r(name, entry, room, size, &found);
    if (found)
        return true;
    return mg_fail(error, "adapter.user", "There is no user %s%s%s.", name, reason ? ": " : "",
                   reason ? strerror(reason) : "");
}

bool mg_process_user(const char *name, uid_t *user, struct mg_error *error)
{
    struct passwd entry;
    char room[4096];
    if (!find_user(name, &entry, room, sizeof room, error))
        return false;
    *user = entry.pw_uid;
    return true;
}

static bool plan_user(struct plan *plan, const char *name, struct mg_error *error)
{
    struct passwd entry;
    char room[4096];
    if (!name)
        return true;
    if (!find_user(name, &entry, room, sizeof room, error))
        return false;
    plan->user = entry.pw_uid;
    plan->group = entry.pw_gid;
    plan->changes_user = entry.pw_uid != geteuid() || entry.pw_uid != getuid();
    plan->group_count = MOST_GROUPS;
    if (getgrouplist(name, entry.pw_gid, plan->groups, &plan->group_count) < 0)
        return mg_fail(error, "adapter.user", "The user %s is in more than %d groups.", name,
                       MOST_GROUPS);
    return true;
}

/* ---- the child ---- */

/* Never more than we have ourselves. */
static bool limit(int resource, struct rlimit wanted)
{
    struct rlimit present;
    if (getrlimit((__rlimit_resource_t)resource, &present) != 0)
        return false;
    if (wanted.rlim_cur > present.rlim_max)
        wanted.rlim_cur = wanted.rlim_max = present.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &wanted) == 0;
}

/* AddressSanitizer and ThreadSanitizer reserve terabytes of addresses for themselves: the host of
 * adapters that is built with them, for developers and never for operation, has no limit of memory.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS_MEMORY false
#elif defined(__has_feature)
#define LIMITS_MEMORY (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define LIMITS_MEMORY true
#endif

static bool limit_all(const struct plan *plan)
{
    bool is_ours = plan->arguments[1] != NULL;
    return ((is_ours && !LIMITS_MEMORY) || limit(RLIMIT_DATA, plan->memory)) &&
           limit(RLIMIT_NOFILE, plan->files) && limit(RLIMIT_CORE, (struct rlimit){0, 0});
}

/* Descriptors 0 to 2 and the report's, which closes itself when the program starts; no other. */
static bool arrange_descriptors(struct plan *plan)
{
    /* Above all that is arranged, so that nothing is overwritten before it has its place. */
    int stream = fcntl(plan->stream, F_DUPFD_CLOEXEC, 10);
    int errors = fcntl(plan->errors, F_DUPFD_CLOEXEC, 10);
    int report = fcntl(plan->report, F_DUPFD_CLOEXEC, 10);
    if (stream < 0 || errors < 0 || report < 0)
        return false;
    plan->report = report;
    if (dup2(stream, 0) < 0 || dup2(stream, 1) < 0 || dup2(errors, 2) < 0 ||
        dup3(report, 3, O_CLOEXEC) < 0)
        return false;
    plan->report = 3;
    return syscall(SYS_close_range, 4U, ~0U, 0U) == 0;
}

static bool become_user(const struct plan *plan)
{
    if (!plan->changes_user)
        return true;
    return setgroups((size_t)plan->group_count, plan->groups) == 0 && setgid(plan->group) == 0 &&
           setuid(plan->user) == 0;
}

/* After the user, which would undo it. */
static bool give_up_rights(const struct plan *plan)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == plan->parent;
}

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void fail_in_child(const struct plan *plan, enum step step)
{
    const struct failure failure = {.reason = errno, .step = (int)step};
    ssize_t written = write(plan->report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

static void run_child(struct plan *plan)
{
    static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/",
                                              "LANG=C.UTF-8", NULL};
    reset_signals();
    if (setpgid(0, 0) != 0)
        fail_in_child(plan, STEP_GROUP);
    if (!arrange_descriptors(plan))
        fail_in_child(plan, STEP_DESCRIPTORS);
    if (!limit_all(plan))
        fail_in_child(plan, STEP_LIMITS);
    if (!become_user(plan))
        fail_in_child(plan, STEP_USER);
    if (!give_up_rights(plan))
        fail_in_child(plan, STEP_RIGHTS);
    if (chdir("/") == 0)
        execve(plan->arguments[0], (char *const *)(uintptr_t)plan->arguments,
               (char *const *)(uintptr_t)environment);
    fail_in_child(plan, STEP_PROGRAM);
}

/* ---- the parent ---- */

/* The end of the report without a word means that the program runs. */
static bool hear_report(int report, const char *path, struct mg_error *error)
{
    struct failure failure;
    ssize_t length;
    do
        length = read(report, &failure, sizeof failure);
    while (length < 0 && errno == EINTR);
    if (length != (ssize_t)sizeof failure)
        return true;
    if (failure.step == STEP_USER)
        return mg_fail(
            error, "adapter.user",
            "The gateway may not run %s as another user: %s. Run it with the capabilities "
            "CAP_SETUID and CAP_SETGID, or leave the attribute user out.",
            path, strerror(failure.reason));
    return mg_fail(error, "adapter.start", "%s cannot be started: %s: %s.", path,
                   steps[failure.step], strerror(failure.reason));
}

static bool plan_program(struct plan *plan, const struct mg_process_spec *spec,
                         struct mg_error *error)
{
    size_t length = strlen(spec->path);
    const char *host = getenv("MUENGSTEN_ADAPTER_HOST");
    bool is_object = length > 3 && strcmp(spec->path + length - 3, ".so") == 0;
    plan->arguments[0] = is_object ? (host && *host ? host : MG_ADAPTER_HOST) : spec->path;
    plan->arguments[1] = is_object ? spec->path : NULL;
    if (access(plan->arguments[0], X_OK) != 0)
        return mg_fail(error, "adapter.start", "%s cannot be run: %s.", plan->arguments[0],
                       strerror(errno));
    rlim_t memory = (rlim_t)(spec->memory > 0 ? spec->memory : STANDARD_MEMORY);
    rlim_t files = (rlim_t)(spec->files > 0 ? spec->files : STANDARD_FILES);
    plan->memory = (struct rlimit){memory, memory};
    plan->files = (struct rlimit){files, files};
    plan->parent = getpid();
    return plan_user(plan, spec->user, error);
}

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

static bool fail_by_system(struct mg_error *error, const char *path)
{
    return mg_fail(error, "adapter.start", "%s cannot be started: %s.", path, strerror(errno));
}

static bool fork_child(struct plan *plan, struct mg_process *process, const char *path,
                       struct mg_error *error)
{
    /* No handler of ours may run in the child, where it would tell our loop of its signals. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    process->pid = fork();
    if (process->pid == 0)
        run_child(plan);
    int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    if (process->pid < 0)
        return fail_by_system(error, path);
    setpgid(process->pid, process->pid);
    process->watch = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (process->watch >= 0)
        return true;
    fail_by_system(error, path);
    mg_process_kill(process);
    waitpid(process->pid, NULL, 0);
    return false;
}

bool mg_process_start(const struct mg_process_spec *spec, struct mg_process *process,
                      struct mg_error *error)
{
    struct plan plan = {0};
    /* Pairs of ours and the child's: the stream, standard error, the report. */
    int ends[6] = {-1, -1, -1, -1, -1, -1};
    if (!plan_program(&plan, spec, error))
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        pipe2(ends + 2, O_CLOEXEC) != 0 || pipe2(ends + 4, O_CLOEXEC) != 0) {
        fail_by_system(error, spec->path);
        close_all(ends, 6);
        return false;
    }
    plan.stream = ends[1];
    plan.errors = ends[3];
    plan.report = ends[5];
    bool forked = fork_child(&plan, process, spec->path, error);
    close_all((const int[]){ends[1], ends[3], ends[5]}, 3);
    bool runs = forked && hear_report(ends[4], spec->path, error);
    close(ends[4]);
    if (forked && !runs) {
        waitpid(process->pid, NULL, 0);
        close(process->watch);
    }
    if (!runs) {
        close_all((const int[]){ends[0], ends[2]}, 2);
        return false;
    }
    process->stream = ends[0];
    process->errors = ends[2];
    fcntl(process->stream, F_SETFL, O_NONBLOCK);
    fcntl(process->errors, F_SETFL, O_NONBLOCK);
    return true;
}

void mg_process_kill(const struct mg_process *process)
{
    kill(-process->pid, SIGKILL);
    kill(process->pid, SIGKILL);
}

bool mg_process_reap(struct mg_process *process, char *how, size_t size)
{
    siginfo_t info = {.si_pid = 0};
    /* Its number stays taken until it is reaped, so nobody else's group can be meant. */
    if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == 0)
        return false;
    kill(-process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    close(process->watch);
    if (info.si_code == CLD_EXITED)
        snprintf(how, size, "exit status %d", info.si_status);
    else
        snprintf(how, size, "signal %d (%s)", info.si_status, strsignal(info.si_status));
    return true;
}
