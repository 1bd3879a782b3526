/* Loads the adapter, and refuses what is none. */
#include "tools/adapter-host/host.h"

#include <dlfcn.h>
#include <string.h>

static bool check(const struct mg_adapter *adapter, const char *path, struct mg_error *error)
{
    if (!adapter)
        return mg_fail(error, "adapter.version",
                       "%s does not work with version %d of the adapter interface.", path,
                       MG_ADAPTER_ABI);
    if (adapter->abi < 1 || adapter->abi > MG_ADAPTER_ABI)
        return mg_fail(error, "adapter.version",
                       "%s speaks version %u of the adapter interface; 1 to %d are known here.",
                       path, adapter->abi, MG_ADAPTER_ABI);
    if (adapter->size < sizeof *adapter || !adapter->open || !adapter->close || !adapter->name ||
        (adapter->parameter_count > 0 && !adapter->parameters))
        return mg_fail(error, "adapter.malformed", "%s does not describe an adapter.", path);
    if ((adapter->abilities & MG_CAN_TAKE) && !(adapter->abilities & MG_IS_COLLECTED) &&
        !adapter->deliver)
        return mg_fail(error, "adapter.malformed",
                       "%s declares that it takes messages, and has no function deliver.", path);
    return true;
}

bool host_load(struct host *host, const char *path, struct mg_error *error)
{
    mg_adapter_entry_function entry;
    host->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!host->object)
        return mg_fail(error, "adapter.not-found", "%s cannot be loaded: %s.", path, dlerror());
    /* POSIX promises that a function's address fits (dlsym, application usage); ISO C does not. */
    *(void **)&entry = dlsym(host->object, "mg_adapter_entry");
    if (!entry)
        return mg_fail(error, "adapter.malformed",
                       "%s is no adapter: it has no function mg_adapter_entry.", path);
    host->adapter = entry(MG_ADAPTER_ABI);
    return check(host->adapter, path, error);
}

static const char *const kinds[] = {
    [MG_PARAMETER_TEXT] = "text",       [MG_PARAMETER_NUMBER] = "number",
    [MG_PARAMETER_SECONDS] = "seconds", [MG_PARAMETER_BOOLEAN] = "boolean",
    [MG_PARAMETER_URL] = "url",         [MG_PARAMETER_FOLDER] = "folder",
    [MG_PARAMETER_FILE] = "file"};
static const char *const uses[] = {[MG_USED_BY_SOURCE] = "source",
                                   [MG_USED_BY_DESTINATION] = "destination",
                                   [MG_USED_BY_BOTH] = "both"};

/* Numbers in frames are below 2^53; no parameter means more. */
static int64_t within(int64_t number)
{
    if (number >= MG_FRAME_NUMBER_LIMIT)
        return MG_FRAME_NUMBER_LIMIT - 1;
    return number <= -MG_FRAME_NUMBER_LIMIT ? 1 - MG_FRAME_NUMBER_LIMIT : number;
}

static void describe_parameter(const struct mg_parameter *parameter, struct mg_frame_writer *writer)
{
    /* What there is not is left for the gateway to refuse, by the adapter's name. */
    bool has_kind = (size_t)parameter->kind < sizeof kinds / sizeof *kinds;
    bool has_use = (size_t)parameter->use < sizeof uses / sizeof *uses;
    mg_frame_put_open(writer, NULL, '{');
    mg_frame_put_text(writer, "name", parameter->name);
    mg_frame_put_text(writer, "kind", has_kind ? kinds[parameter->kind] : "");
    mg_frame_put_text(writer, "use", has_use && uses[parameter->use] ? uses[parameter->use] : "");
    mg_frame_put_truth(writer, "required", parameter->required);
    mg_frame_put_text(writer, "standard", parameter->standard);
    if (parameter->kind == MG_PARAMETER_NUMBER || parameter->kind == MG_PARAMETER_SECONDS) {
        mg_frame_put_number(writer, "smallest", within(parameter->smallest));
        mg_frame_put_number(writer, "largest", within(parameter->largest));
    }
    mg_frame_put_text(writer, "description", parameter->description);
    mg_frame_put_close(writer, '}');
}

void host_describe(const struct mg_adapter *adapter, struct mg_frame_writer *writer)
{
    static const char *const abilities[] = {"bring", "take", "listener", "collected"};
    mg_frame_put_text(writer, "adapter", adapter->name);
    mg_frame_put_text(writer, "version", adapter->version ? adapter->version : "");
    mg_frame_put_open(writer, "abilities", '[');
    for (unsigned i = 0; i < sizeof abilities / sizeof *abilities; i++)
        if (adapter->abilities & 1U << i)
            mg_frame_put_text(writer, NULL, abilities[i]);
    mg_frame_put_close(writer, ']');
    mg_frame_put_open(writer, "parameters", '[');
    for (size_t i = 0; i < adapter->parameter_count; i++)
        describe_parameter(&adapter->parameters[i], writer);
    mg_frame_put_close(writer, ']');
}
