/* Parameters of instances: checked against what the adapter declares, then given to it. */
#include "gateway/dispatch/parameters.h"

#include "gateway/dispatch/instance.h"
#include "gateway/net/url.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct mg_parameter *declared(const struct mg_adapter *adapter, const char *name)
{
    for (size_t i = 0; i < adapter->parameter_count; i++)
        if (strcmp(adapter->parameters[i].name, name) == 0)
            return &adapter->parameters[i];
    return NULL;
}

static bool parse_number(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *number = value;
    return errno == 0 && end != text && *end == '\0';
}

static char *absolute_path(const struct mg_config_place *place, const char *path)
{
    char absolute[PATH_MAX];
    const char *slash = strrchr(place->file, '/');
    if (path[0] == '/' || !slash)
        return mg_copy_text(path);
    snprintf(absolute, sizeof absolute, "%.*s/%s", (int)(slash - place->file), place->file, path);
    return mg_copy_text(absolute);
}

/* Without TLS nothing leaves this machine; names that only begin like it are others. */
static const char *check_url(const char *value)
{
    struct mg_url url;
    bool is_url = strncmp(value, "https://", 8) == 0
                      ? value[8] != '\0'
                      : mg_url_read(value, &url, NULL) && url.loopback;
    return is_url ? NULL : "is no URL that begins with https://";
}

static const char *check_number(const struct mg_parameter *parameter, const char *value,
                                char reason[128])
{
    int64_t number;
    if (!parse_number(value, &number))
        return "is no whole number";
    if (number >= parameter->smallest && number <= parameter->largest)
        return NULL;
    snprintf(reason, 128, "is not between %lld and %lld", (long long)parameter->smallest,
             (long long)parameter->largest);
    return reason;
}

/* Whether a process of another user may use it, only that process can tell. */
static bool is_for_another_user(const struct mg_end *end)
{
    return end->process->user || end->process->socket;
}

static const char *check_path(const struct mg_parameter *parameter, const struct mg_end *end,
                              const char *value)
{
    bool folder = parameter->kind == MG_PARAMETER_FOLDER;
    char *path = absolute_path(&end->place, value);
    struct stat status;
    const char *reason = NULL;
    if (stat(path, &status) != 0)
        reason = folder ? "names a folder that is not there" : "names a file that is not there";
    else if (folder && !S_ISDIR(status.st_mode))
        reason = "names no folder";
    else if (!is_for_another_user(end) && access(path, folder ? R_OK | W_OK | X_OK : R_OK) != 0)
        reason = folder ? "names a folder that cannot be written to"
                        : "names a file that cannot be read";
    free(path);
    return reason;
}

/* NULL if the value is right, else what is wrong with it. */
static const char *check_value(const struct mg_parameter *parameter, const struct mg_end *end,
                               const char *value, char reason[128])
{
    switch (parameter->kind) {
    case MG_PARAMETER_TEXT:
        return NULL;
    case MG_PARAMETER_NUMBER:
    case MG_PARAMETER_SECONDS:
        return check_number(parameter, value, reason);
    case MG_PARAMETER_BOOLEAN:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0
                   ? NULL
                   : "is neither true nor false";
    case MG_PARAMETER_URL:
        return check_url(value);
    case MG_PARAMETER_FOLDER:
    case MG_PARAMETER_FILE:
        return check_path(parameter, end, value);
    }
    return "is of a kind this gateway does not know";
}

static bool is_used(const struct mg_parameter *parameter, bool is_source)
{
    return parameter->use & (is_source ? MG_USED_BY_SOURCE : MG_USED_BY_DESTINATION);
}

static const char *given(const struct mg_end *end, const char *name)
{
    for (size_t i = 0; i < end->parameter_count; i++)
        if (strcmp(end->parameters[i].name, name) == 0)
            return end->parameters[i].value;
    return NULL;
}

void mg_parameters_check(const struct mg_adapter *adapter, const struct mg_end *end,
                         struct mg_config_problems *problems)
{
    for (size_t i = 0; i < end->parameter_count; i++) {
        const struct mg_config_parameter *value = &end->parameters[i];
        char reason[128];
        const struct mg_parameter *parameter = declared(adapter, value->name);
        if (!parameter || !is_used(parameter, end->source != NULL)) {
            mg_config_problem(problems, &end->place, false,
                              "the adapter %s has no parameter \"%s\" for a %s", adapter->name,
                              value->name, mg_end_kind(end));
            continue;
        }
        const char *wrong = check_value(parameter, end, value->value, reason);
        if (wrong)
            mg_config_problem(problems, &end->place, false, "%s=\"%s\" %s (%s)", value->name,
                              value->value, wrong, parameter->description);
    }
    for (size_t i = 0; i < adapter->parameter_count; i++) {
        const struct mg_parameter *parameter = &adapter->parameters[i];
        if (parameter->required && is_used(parameter, end->source != NULL) &&
            !given(end, parameter->name))
            mg_config_problem(problems, &end->place, false,
                              "the adapter %s needs the parameter \"%s\" (%s)", adapter->name,
                              parameter->name, parameter->description);
    }
}

char *mg_parameters_prefix(const struct mg_adapter *adapter, const struct mg_end *end)
{
    const struct mg_parameter *path = declared(adapter, "path");
    const char *value = path ? given(end, "path") : NULL;
    if (!value && path)
        value = path->standard;
    if (value)
        return mg_copy_text(value);
    size_t size = strlen(end->name) + 2;
    char *prefix = mg_allocate(size);
    snprintf(prefix, size, "/%s", end->name);
    return prefix;
}

/* ---- what adapters are given ---- */

void mg_instance_resolve_parameters(struct mg_instance *instance)
{
    const struct mg_adapter *adapter = instance->adapter;
    instance->values = mg_allocate_zeroed(adapter->parameter_count, sizeof(char *));
    for (size_t i = 0; i < adapter->parameter_count; i++) {
        const struct mg_parameter *parameter = &adapter->parameters[i];
        const char *value = given(&instance->end, parameter->name);
        bool path = parameter->kind == MG_PARAMETER_FOLDER || parameter->kind == MG_PARAMETER_FILE;
        if (!value)
            value = parameter->standard;
        if (value)
            instance->values[i] =
                path ? absolute_path(&instance->end.place, value) : mg_copy_text(value);
    }
}

static const char *parameter_text(struct mg_instance *instance, const char *name)
{
    const struct mg_parameter *parameter = declared(instance->adapter, name);
    return parameter ? instance->values[parameter - instance->adapter->parameters] : NULL;
}

static int64_t parameter_number(struct mg_instance *instance, const char *name)
{
    const char *value = parameter_text(instance, name);
    int64_t number = 0;
    return value && parse_number(value, &number) ? number : 0;
}

static bool parameter_boolean(struct mg_instance *instance, const char *name)
{
    const char *value = parameter_text(instance, name);
    return value && strcmp(value, "true") == 0;
}

static void fail(struct mg_instance *instance, const char *code, const char *text)
{
    mg_fail(&instance->error, code, "%s", text);
}

void mg_host_offer_parameters(struct mg_gateway *gateway)
{
    gateway->parameter_text = parameter_text;
    gateway->parameter_number = parameter_number;
    gateway->parameter_boolean = parameter_boolean;
    gateway->fail = fail;
}
