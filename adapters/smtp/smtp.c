#include "adapters/smtp/smtp.h"

#include "adapters/common/file.h"
#include "adapters/smtp/mail.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

/* A name or address that can stand in a URL as it is. */
static bool is_host(const char *host)
{
    size_t length =
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:");
    return length > 0 && length < 256 && host[length] == '\0';
}

static bool read_security(const char *text, enum mg_smtp_security *security)
{
    static const char *const words[] = {"starttls", "tls", "none"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            *security = (enum mg_smtp_security)i;
            return true;
        }
    }
    return false;
}

/* What no kind of parameter covers. NULL if it is right. */
static const char *wrong_with(const struct mg_smtp_settings *settings, const char *cipher)
{
    if (!is_host(settings->host) || (settings->hello && !is_host(settings->hello)))
        return "host and hello have to be names or addresses.";
    if (settings->security == MG_SMTP_NONE && !is_loopback(settings->host))
        return "Without TLS (security=\"none\") mails go out on loopback only.";
    if (settings->security != MG_SMTP_NONE && !settings->authorities)
        return "TLS needs authorities, from which the mail server's certificate has to come.";
    if ((settings->user != NULL) != (settings->password_file != NULL))
        return "A login needs both user and password-file.";
    if (settings->password_file && !mg_file_is_secret(settings->password_file))
        return "The file of password-file has to be its owner's alone (chmod 600).";
    if (!mg_file_is_secret(settings->protection.signing_key))
        return "The file of signing-key has to be its owner's alone (chmod 600).";
    if (!mg_mail_is_address(settings->from) || !mg_mail_is_address(settings->to) ||
        !mg_mail_is_address(settings->protection.address))
        return "from, to and certificate-address have to be plain addresses, such as "
               "office@city.example.";
    if (strcmp(cipher, "aes-256-cbc") != 0 && strcmp(cipher, "aes-256-gcm") != 0)
        return "cipher has to be aes-256-cbc or aes-256-gcm.";
    return NULL;
}

static void read_settings(const struct mg_gateway *gateway, struct mg_instance *instance,
                          struct mg_smtp_settings *settings)
{
    const char *address = gateway->parameter_text(instance, "certificate-address");
    settings->host = gateway->parameter_text(instance, "host");
    settings->port = (int)gateway->parameter_number(instance, "port");
    settings->authorities = gateway->parameter_text(instance, "authorities");
    settings->hello = gateway->parameter_text(instance, "hello");
    settings->user = gateway->parameter_text(instance, "user");
    settings->password_file = gateway->parameter_text(instance, "password-file");
    settings->from = gateway->parameter_text(instance, "from");
    settings->to = gateway->parameter_text(instance, "to");
    settings->step = gateway->parameter_number(instance, "step-timeout") * 1000;
    settings->largest = gateway->parameter_number(instance, "largest");
    settings->protection = (struct mg_protection){
        .signing_certificate = gateway->parameter_text(instance, "signing-certificate"),
        .signing_key = gateway->parameter_text(instance, "signing-key"),
        .certificate = gateway->parameter_text(instance, "certificate"),
        .address = address ? address : settings->to,
    };
}

static void free_smtp(struct mg_tasks *tasks)
{
    curl_global_cleanup();
    free((struct mg_smtp *)tasks);
}

static void *smtp_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                       const struct mg_instance_facts *facts)
{
    const char *cipher = gateway->parameter_text(instance, "cipher");
    struct mg_failure failure = {0};
    struct mg_smtp *smtp = mg_text_allocate(1, sizeof *smtp);
    (void)facts;
    smtp->tasks = (struct mg_tasks){gateway, instance, 0, false, free_smtp};
    mg_outage_open(&smtp->outage, &smtp->tasks, mg_smtp_probe);
    read_settings(gateway, instance, &smtp->settings);
    if (!read_security(gateway->parameter_text(instance, "security"), &smtp->settings.security)) {
        mg_failure_set(&failure, "smtp.parameter", "security has to be starttls, tls or none.");
    } else {
        const char *wrong = wrong_with(&smtp->settings, cipher);
        if (wrong)
            mg_failure_set(&failure, "smtp.parameter", "%s", wrong);
        else if (mg_protect_check(&smtp->settings.protection, &failure) &&
                 curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            mg_failure_set(&failure, "smtp.internal", "libcurl cannot be used.");
    }
    if (failure.code) {
        gateway->fail(instance, failure.code, failure.text);
        free(smtp);
        return NULL;
    }
    smtp->settings.protection.authenticated = strcmp(cipher, "aes-256-gcm") == 0;
    return smtp;
}

static void smtp_close(void *state)
{
    struct mg_smtp *smtp = state;
    mg_outage_close(&smtp->outage);
    mg_tasks_close(&smtp->tasks);
}

static const struct mg_parameter parameters[] = {
    {.name = "host",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The name or address of the mail server."},
    {.name = "port",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_DESTINATION,
     .standard = "587",
     .smallest = 1,
     .largest = 65535,
     .description = "The port at which the server listens."},
    {.name = "security",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .standard = "starttls",
     .description = "How the connection is secured: starttls, tls (from the first byte), or none, "
                    "which is for a server on loopback only."},
    {.name = "authorities",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_DESTINATION,
     .description = "The authorities (PEM) from which the server's certificate has to come; needed "
                    "unless security is none."},
    {.name = "hello",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .description = "The name that the gateway gives itself in EHLO; without, the machine's."},
    {.name = "user",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .description = "The user who logs in at the server; without, nobody does."},
    {.name = "password-file",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_DESTINATION,
     .description = "A file whose first line is the user's password, readable by its owner alone."},
    {.name = "from",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The address that mails come from, and to which mail servers report."},
    {.name = "to",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The address of the office: one for each destination."},
    {.name = "certificate",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The office's certificate (PEM), to which mails are encrypted."},
    {.name = "certificate-address",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .description = "The address that the office's certificate names, if it is another than to."},
    {.name = "signing-certificate",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The gateway's certificate (PEM) for signing mails; the certificates between "
                    "it and its authority may follow."},
    {.name = "signing-key",
     .kind = MG_PARAMETER_FILE,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The key that belongs to it (PEM), without a passphrase and readable by its "
                    "owner alone."},
    {.name = "cipher",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .standard = "aes-256-cbc",
     .description = "aes-256-cbc, which every mail program with S/MIME reads, or aes-256-gcm, "
                    "which few do."},
    {.name = "largest",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_DESTINATION,
     .standard = "26214400",
     .smallest = 65536,
     .largest = 1073741824,
     .description = "The most bytes that a mail may have; a message that would need more is not "
                    "delivered."},
    {.name = "step-timeout",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_DESTINATION,
     .standard = "20",
     .smallest = 1,
     .largest = 600,
     .description = "How long one answer of the server may take."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "smtp",
    .version = "1",
    .abilities = MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = smtp_open,
    .close = smtp_close,
    .deliver = mg_smtp_deliver,
    .cancel = mg_smtp_cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
