#include "gateway/dispatch/catalogue.h"

#include "gateway/base/buffer.h"
#include "gateway/dispatch/parameters.h"
#include "gateway/isolation/remote.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of struct mg_adapter as ABI 1 had it: less is no adapter. */
#define SMALLEST_ADAPTER (offsetof(struct mg_adapter, cancel) + sizeof(void *))

/* An adapter, loaded or described once for all its instances of one kind. */
struct listed {
    struct listed *next;
    char *name;
    bool isolated;                        /* runs in a process of its own */
    char *path;                           /* of the shared object or program; NULL: not found */
    void *object;                         /* loaded; NULL: it could not be, or is isolated */
    const struct mg_adapter *description; /* by its process; NULL likewise */
    struct mg_adapter adapter;            /* complete */
    struct stat file;                     /* what was found at the path */
    struct mg_error error;                /* why there is neither */
};

struct mg_catalogue {
    atomic_size_t holders;
    struct listed *list;
};

/* ---- loading ---- */

static bool check_adapter(const struct mg_adapter *adapter, const char *name,
                          struct mg_error *error)
{
    if (!adapter || adapter->abi < 1 || adapter->abi > MG_ADAPTER_ABI)
        return mg_fail(error, "adapter.version",
                       "the adapter %s does not work with this gateway, which knows the versions 1 "
                       "to %d of the adapter interface",
                       name, MG_ADAPTER_ABI);
    if (adapter->size < SMALLEST_ADAPTER || !adapter->open || !adapter->close || !adapter->name ||
        strcmp(adapter->name, name) != 0)
        return mg_fail(
            error, "adapter.malformed",
            "the shared object of the adapter %s does not describe an adapter of that name", name);
    return true;
}

/* The first NAME.so, or executable NAME, in the folders of the configuration. */
static bool find_file(struct listed *listed, const struct mg_config *config, struct mg_error *error)
{
    static const struct {
        const char *ending;
        int access;
    } forms[] = {{".so", F_OK}, {"", X_OK}};
    struct mg_buffer searched = {0};
    char path[PATH_MAX];
    for (size_t i = 0; i < config->adapter_folder_count && !listed->path; i++) {
        for (size_t j = 0; j < 2 && !listed->path; j++) {
            snprintf(path, sizeof path, "%s/%s%s", config->adapter_folders[i], listed->name,
                     forms[j].ending);
            if (access(path, forms[j].access) == 0 && stat(path, &listed->file) == 0 &&
                S_ISREG(listed->file.st_mode))
                listed->path = mg_copy_text(path);
        }
        mg_buffer_print(&searched, "%s%s", i ? ", " : "", config->adapter_folders[i]);
    }
    if (!listed->path)
        mg_fail(error, "adapter.not-found", "there is no adapter %s in %s", listed->name,
                searched.data);
    mg_buffer_free(&searched);
    return listed->path != NULL;
}

static bool is_object(const char *path)
{
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".so") == 0;
}

static bool load_object(struct listed *listed, struct mg_error *error)
{
    if (!is_object(listed->path))
        return mg_fail(error, "adapter.program",
                       "the adapter %s is a program, which cannot run inside the gateway; leave "
                       "isolation=\"none\" out",
                       listed->name);
    listed->object = dlopen(listed->path, RTLD_NOW | RTLD_LOCAL);
    if (!listed->object)
        return mg_fail(error, "adapter.not-found", "the adapter %s cannot be loaded: %s",
                       listed->name, dlerror());
    mg_adapter_entry_function entry;
    /* POSIX promises that a function's address fits (dlsym, application usage); ISO C does not. */
    *(void **)&entry = dlsym(listed->object, "mg_adapter_entry");
    const struct mg_adapter *adapter = entry ? entry(MG_ADAPTER_ABI) : NULL;
    if (!check_adapter(adapter, listed->name, error)) {
        dlclose(listed->object);
        listed->object = NULL;
        return false;
    }
    size_t known = adapter->size < sizeof *adapter ? adapter->size : sizeof *adapter;
    memcpy(&listed->adapter, adapter, known);
    return true;
}

struct mg_process_spec mg_catalogue_spec(const char *path, const struct mg_config_process *process)
{
    return (struct mg_process_spec){
        .path = path,
        .memory = (int64_t)process->memory,
        .files = process->files,
        .user = process->user,
        .socket = process->socket,
    };
}

static bool ask_process(struct listed *listed, const struct mg_end *end, struct mg_error *error)
{
    struct mg_process_spec spec = mg_catalogue_spec(listed->path, end->process);
    /* Of a process that connects, the user is who it has to be; what it is we ask of our own. */
    if (spec.socket)
        spec.user = NULL;
    listed->description = mg_remote_describe(&spec, listed->name, error);
    if (!listed->description)
        return false;
    listed->adapter = *listed->description;
    return true;
}

/* What comes with the gateway and never blocks runs inside it, unless it is told otherwise. */
static bool is_isolated(const struct mg_end *end)
{
    static const char *const inside[] = {"rest", "folder", "mailbox"};
    if (end->process->isolation != MG_ISOLATION_STANDARD)
        return end->process->isolation == MG_ISOLATION_PROCESS;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (strcmp(end->adapter, inside[i]) == 0)
            return false;
    return true;
}

static struct listed *find(const struct mg_catalogue *catalogue, const struct mg_end *end)
{
    bool isolated = is_isolated(end);
    for (struct listed *listed = catalogue->list; listed; listed = listed->next)
        if (listed->isolated == isolated && strcmp(listed->name, end->adapter) == 0)
            return listed;
    return NULL;
}

static bool is_there(const struct listed *listed)
{
    return listed->object || listed->description;
}

/* What failed once is not tried again for the next instance. */
static struct listed *list(struct mg_catalogue *catalogue, const struct mg_config *config,
                           const struct mg_end *end)
{
    struct listed *listed = find(catalogue, end);
    if (listed)
        return listed;
    listed = mg_allocate_zeroed(1, sizeof *listed);
    listed->name = mg_copy_text(end->adapter);
    listed->isolated = is_isolated(end);
    listed->next = catalogue->list;
    catalogue->list = listed;
    if (!find_file(listed, config, &listed->error))
        return listed;
    if (listed->isolated)
        ask_process(listed, end, &listed->error);
    else
        load_object(listed, &listed->error);
    return listed;
}

/* ---- what cannot be had at the start ---- */

/* An adapter in a process of its own hurts nobody but itself: if it fails, a gateway that has to
 * start starts without it, and what it would take waits. */
static bool is_bearable(const struct listed *listed, const struct mg_config_problems *problems)
{
    return problems->starting && listed->isolated && listed->path;
}

static void make_absent(struct listed *listed)
{
    listed->adapter = (struct mg_adapter){
        .size = sizeof listed->adapter,
        .abi = MG_ADAPTER_ABI,
        .name = listed->name,
        .version = "",
    };
}

/* ---- checking ---- */

static void check_source(const struct mg_adapter *adapter, const struct mg_end *end,
                         struct mg_config_problems *problems)
{
    bool serves = adapter->abilities & MG_NEEDS_LISTENER;
    if (!(adapter->abilities & MG_CAN_BRING))
        mg_config_problem(problems, &end->place, false,
                          "the adapter %s can be no source of messages", adapter->name);
    if (serves && !end->listener)
        mg_config_problem(problems, &end->place, false,
                          "the adapter %s needs the attribute listener", adapter->name);
    if (!serves && end->listener)
        mg_config_problem(problems, &end->place, false, "the adapter %s has no use for a listener",
                          adapter->name);
    if (!serves && !end->partner)
        mg_config_problem(problems, &end->place, false,
                          "nothing says whose messages come in by the source %s; add the attribute "
                          "partner",
                          end->name);
}

static void check_destination(const struct mg_adapter *adapter, const struct mg_end *end,
                              struct mg_config_problems *problems)
{
    bool collected = adapter->abilities & MG_IS_COLLECTED;
    if (!(adapter->abilities & MG_CAN_TAKE) || (!adapter->deliver && !collected))
        mg_config_problem(problems, &end->place, false, "the adapter %s can be no destination",
                          adapter->name);
    if (collected && !end->listener)
        mg_config_problem(problems, &end->place, false,
                          "the adapter %s needs the attribute listener", adapter->name);
    if (collected && !end->partner)
        mg_config_problem(problems, &end->place, false,
                          "nothing says who may collect from the destination %s; add the attribute "
                          "partner",
                          end->name);
    if (collected && end->destination->ordered)
        mg_config_problem(problems, &end->place, false,
                          "what waits for the adapter %s is collected, in the order that its "
                          "readers choose; leave out the attribute ordered",
                          adapter->name);
    if (!collected && end->listener)
        mg_config_problem(problems, &end->place, false, "the adapter %s has no use for a listener",
                          adapter->name);
}

static bool is_at_or_below(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(path, prefix, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* One path of a listener belongs to one instance. */
static void check_prefix(const struct mg_catalogue *catalogue, const struct mg_config *config,
                         size_t index, struct mg_config_problems *problems)
{
    const struct mg_end end = mg_end_at(config, index);
    char *prefix = mg_parameters_prefix(mg_catalogue_find(catalogue, &end), &end);
    if (!prefix || prefix[0] != '/' || !prefix[1] || prefix[strlen(prefix) - 1] == '/')
        mg_config_problem(problems, &end.place, false,
                          "the path \"%s\" has to begin with / and to end with something else",
                          prefix);
    for (size_t i = 0; i < index; i++) {
        const struct mg_end other = mg_end_at(config, i);
        const struct mg_adapter *adapter = mg_catalogue_find(catalogue, &other);
        if (!adapter || !adapter->open || !other.listener ||
            strcmp(other.listener, end.listener) != 0)
            continue;
        char *others = mg_parameters_prefix(adapter, &other);
        if (is_at_or_below(prefix, others) || is_at_or_below(others, prefix))
            mg_config_problem(problems, &end.place, false,
                              "the path %s of this %s is taken by the %s %s (%s); give each a path "
                              "of its own",
                              prefix, mg_end_kind(&end), mg_end_kind(&other), other.name, others);
        free(others);
    }
    free(prefix);
}

struct mg_catalogue *mg_catalogue_new(const struct mg_config *config,
                                      struct mg_config_problems *problems)
{
    struct mg_catalogue *catalogue = mg_allocate_zeroed(1, sizeof *catalogue);
    catalogue->holders = 1;
    for (size_t i = 0; i < mg_end_count(config); i++) {
        const struct mg_end end = mg_end_at(config, i);
        struct listed *listed = list(catalogue, config, &end);
        if (!is_there(listed)) {
            bool bearable = is_bearable(listed, problems);
            mg_config_problem(problems, &end.place, bearable, "%s", listed->error.text);
            if (bearable)
                make_absent(listed);
            continue;
        }
        if (end.source)
            check_source(&listed->adapter, &end, problems);
        else
            check_destination(&listed->adapter, &end, problems);
        mg_parameters_check(&listed->adapter, &end, problems);
        if (end.listener)
            check_prefix(catalogue, config, i, problems);
    }
    return catalogue;
}

/* ---- life ---- */

struct mg_catalogue *mg_catalogue_hold(struct mg_catalogue *catalogue)
{
    atomic_fetch_add(&catalogue->holders, 1);
    return catalogue;
}

void mg_catalogue_release(struct mg_catalogue *catalogue)
{
    if (!catalogue || atomic_fetch_sub(&catalogue->holders, 1) > 1)
        return;
    for (struct listed *listed = catalogue->list, *next; listed; listed = next) {
        next = listed->next;
        if (listed->object)
            dlclose(listed->object);
        mg_remote_description_free(listed->description);
        free(listed->path);
        free(listed->name);
        free(listed);
    }
    free(catalogue);
}

const struct mg_adapter *mg_catalogue_find(const struct mg_catalogue *catalogue,
                                           const struct mg_end *end)
{
    const struct listed *listed = find(catalogue, end);
    return listed && listed->adapter.name ? &listed->adapter : NULL;
}

const struct mg_error *mg_catalogue_absence(const struct mg_catalogue *catalogue,
                                            const struct mg_end *end)
{
    const struct listed *listed = find(catalogue, end);
    return listed && !is_there(listed) ? &listed->error : NULL;
}

bool mg_catalogue_is_same(const struct mg_catalogue *left, const struct mg_catalogue *right,
                          const struct mg_end *end)
{
    const struct listed *old = find(left, end), *new = find(right, end);
    if (!old || !new || !is_there(old) || !is_there(new))
        return false;
    return !new->isolated ||
           (old->file.st_dev == new->file.st_dev && old->file.st_ino == new->file.st_ino &&
            old->file.st_mtim.tv_sec == new->file.st_mtim.tv_sec &&
            old->file.st_mtim.tv_nsec == new->file.st_mtim.tv_nsec &&
            old->file.st_size == new->file.st_size);
}

const char *mg_catalogue_process(const struct mg_catalogue *catalogue, const struct mg_end *end)
{
    const struct listed *listed = find(catalogue, end);
    return listed && listed->isolated ? listed->path : NULL;
}
