#include "adapters/sftp/sftp.h"

#include "adapters/common/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void mg_sftp_tell(struct mg_sftp *sftp, const struct mg_failure *failure)
{
    const struct mg_gateway *gateway = sftp->tasks.gateway;
    const char *code = failure ? failure->code : NULL;
    if (code && (!sftp->told || strcmp(code, sftp->told) != 0))
        gateway->log(sftp->tasks.instance, failure->loud ? MG_LEVEL_ERROR : MG_LEVEL_WARNING, code,
                     NULL, failure->text);
    else if (!code && sftp->told)
        gateway->log(sftp->tasks.instance, MG_LEVEL_NOTICE, "sftp.well-again", NULL,
                     "The server can be worked with again.");
    sftp->told = code;
}

/* What no kind of parameter covers. NULL if it is right. */
static const char *wrong_with(const struct mg_sftp_settings *settings)
{
    size_t length = strlen(settings->folder);
    if (!settings->key && !settings->password_file)
        return "An SFTP server needs key or password-file, by which the user logs in.";
    if (settings->key && !mg_file_is_secret(settings->key))
        return "The file of key has to be its owner's alone (chmod 600).";
    if (settings->password_file && !mg_file_is_secret(settings->password_file))
        return "The file of password-file has to be its owner's alone (chmod 600).";
    if (length == 0 || length > 1024)
        return "The folder at the server has to have between 1 and 1024 bytes.";
    if (strlen(settings->host) > 255)
        return "The name of the host has more than 255 bytes.";
    return NULL;
}

static struct mg_sftp_settings settings_of(const struct mg_gateway *gateway,
                                           struct mg_instance *instance)
{
    return (struct mg_sftp_settings){
        .host = gateway->parameter_text(instance, "host"),
        .port = (int)gateway->parameter_number(instance, "port"),
        .user = gateway->parameter_text(instance, "user"),
        .key = gateway->parameter_text(instance, "key"),
        .password_file = gateway->parameter_text(instance, "password-file"),
        .known_hosts = gateway->parameter_text(instance, "known-hosts"),
        .folder = gateway->parameter_text(instance, "folder"),
        .step = gateway->parameter_number(instance, "step-timeout") * 1000,
    };
}

static void *sftp_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                       const struct mg_instance_facts *facts)
{
    struct mg_sftp_settings settings = settings_of(gateway, instance);
    const char *wrong = wrong_with(&settings);
    if (!wrong && libssh2_init(0) != 0)
        wrong = "libssh2 cannot be used.";
    if (wrong) {
        gateway->fail(instance, "sftp.parameter", wrong);
        return NULL;
    }
    struct mg_sftp *sftp =
        facts->is_source ? mg_sftp_new_source(gateway, instance) : mg_sftp_new_destination();
    sftp->tasks.gateway = gateway;
    sftp->tasks.instance = instance;
    sftp->settings = settings;
    return sftp;
}

static void sftp_close(void *state)
{
    struct mg_sftp *sftp = state;
    sftp->close(sftp);
}

static void deliver(void *state, struct mg_delivery *delivery)
{
    mg_sftp_deliver(state, delivery);
}

static void cancel(void *state, struct mg_delivery *delivery)
{
    mg_sftp_cancel(state, delivery);
}

static const struct mg_parameter parameters[] = {
    {.name = "host",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_BOTH,
     .required = true,
     .description = "The name or address of the SFTP server."},
    {.name = "port",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_BOTH,
     .standard = "22",
     .smallest = 1,
     .largest = 65535,
     .description = "The port at which the server listens."},
    {.name = "known-hosts",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_BOTH,
     .required = true,
     .description = "A file as OpenSSH's known_hosts, in which the server's host key stands; a "
                    "server with any other key is refused."},
    {.name = "user",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_BOTH,
     .required = true,
     .description = "The user who logs in at the server."},
    {.name = "key",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_BOTH,
     .description = "The user's private key, Ed25519 or ECDSA, without a passphrase and readable "
                    "by its owner alone."},
    {.name = "password-file",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_BOTH,
     .description = "A file whose first line is the user's password, readable by its owner alone; "
                    "used if there is no key, or if the key is not enough."},
    {.name = "folder",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_BOTH,
     .required = true,
     .description = "The folder at the server that messages are written to or collected from, "
                    "absolute or below the user's home."},
    {.name = "step-timeout",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_BOTH,
     .standard = "20",
     .smallest = 1,
     .largest = 600,
     .description = "How long one step may take: connecting, logging in, reading or writing a "
                    "block."},
    {.name = "interval",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_SOURCE,
     .standard = "10",
     .smallest = 1,
     .largest = 3600,
     .description = "How often the folder is looked through."},
    {.name = "settle",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_SOURCE,
     .standard = "2",
     .smallest = 0,
     .largest = 3600,
     .description = "How long a file has to stay unchanged before it is taken; 0: not at all, "
                    "where everybody writes to another name and renames."},
    {.name = "keep",
     .kind = MG_PARAMETER_BOOLEAN,
     .use = MG_USED_BY_SOURCE,
     .standard = "false",
     .description = "Whether files that were accepted are moved to the folder done (true), or "
                    "removed (false)."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "sftp",
    .version = "1",
    .abilities = MG_CAN_BRING | MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = sftp_open,
    .close = sftp_close,
    .deliver = deliver,
    .cancel = cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
