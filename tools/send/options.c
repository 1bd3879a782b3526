#include "tools/send/options.h"

#include "config.h"
#include "gateway/base/id.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: muengsten-send --to URL [OPTION]... FILE...\n"
    "       muengsten-send --to URL [OPTION]... --status ID\n"
    "       muengsten-send --sign-only [--output FILE] [OPTION]... FILE...\n"
    "\n"
    "Signs XML messages, submits them to a muengsten gateway, shows what became of each, and\n"
    "verifies the receipts.\n"
    "\n"
    "Where to, and as whom:\n"
    "      --to URL                    where messages are posted: https://HOST:PORT/messages\n"
    "      --tls-certificate FILE      certificate for the connection, with its chain (PEM)\n"
    "      --tls-key FILE              its key\n"
    "      --authorities FILE          authorities that the gateway's certificates come from\n"
    "      --revocation FILE           their revocation lists\n"
    "      --receipt-certificate FILE  the only certificate that may have signed receipts;\n"
    "                                  once more: and the one announced to follow it\n"
    "      --proxy URL                 http://HOST:PORT to connect through\n"
    "      --timeout SECONDS           for each message [60]\n"
    "\n"
    "Signing:\n"
    "      --signing-certificate FILE  certificate for signatures (PEM)\n"
    "      --signing-key FILE          its key\n"
    "      --detached                  the signature beside the document, not inside it\n"
    "      --unsigned                  send the files without signing them\n"
    "      --sign-only                 write the signed messages instead of sending them\n"
    "  -o, --output FILE               where to; a folder gets a file for each message\n"
    "\n"
    "What to change before signing:\n"
    "      --new-uuid                  a fresh message UUID, created now\n"
    "      --author ID, --reader ID    other authorities, as PREFIX:KEY\n"
    "\n"
    "How often:\n"
    "  -n, --repeat N                  N copies of each file, each with a fresh message UUID\n"
    "      --same                      do not change the UUID: send the same bytes again\n"
    "  -j, --jobs N                    N connections at once [1]\n"
    "  -z, --gzip                      send packed (Content-Encoding: gzip)\n"
    "\n"
    "What to show:\n"
    "      --status ID                 fetch the signed report on a message sent before\n"
    "      --receipts FOLDER           store each receipt as FOLDER/ID.receipt.xml\n"
    "      --json                      one JSON object a line, and one for the summary\n"
    "  -v, --verbose                   also what stands in receipts\n"
    "  -h, --help                      this text\n"
    "  -V, --version                   the version\n"
    "\n"
    "Exit status: 0 all accepted, now or before; 1 at least one refused; 2 usage; 3 no connection\n"
    "or a failure that may pass; 4 a receipt's signature does not verify. See muengsten-send(1).\n";

enum {
    TO = 256,
    TLS_CERTIFICATE,
    TLS_KEY,
    SIGNING_CERTIFICATE,
    SIGNING_KEY,
    AUTHORITIES,
    REVOCATION,
    RECEIPT_CERTIFICATE,
    PROXY,
    TIMEOUT,
    DETACHED,
    UNSIGNED,
    SIGN_ONLY,
    NEW_UUID,
    AUTHOR,
    READER,
    SAME,
    STATUS,
    RECEIPTS,
    JSON,
};

static const struct option longs[] = {
    {"to", required_argument, NULL, TO},
    {"tls-certificate", required_argument, NULL, TLS_CERTIFICATE},
    {"tls-key", required_argument, NULL, TLS_KEY},
    {"signing-certificate", required_argument, NULL, SIGNING_CERTIFICATE},
    {"signing-key", required_argument, NULL, SIGNING_KEY},
    {"authorities", required_argument, NULL, AUTHORITIES},
    {"revocation", required_argument, NULL, REVOCATION},
    {"receipt-certificate", required_argument, NULL, RECEIPT_CERTIFICATE},
    {"proxy", required_argument, NULL, PROXY},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"detached", no_argument, NULL, DETACHED},
    {"unsigned", no_argument, NULL, UNSIGNED},
    {"sign-only", no_argument, NULL, SIGN_ONLY},
    {"output", required_argument, NULL, 'o'},
    {"new-uuid", no_argument, NULL, NEW_UUID},
    {"author", required_argument, NULL, AUTHOR},
    {"reader", required_argument, NULL, READER},
    {"repeat", required_argument, NULL, 'n'},
    {"same", no_argument, NULL, SAME},
    {"jobs", required_argument, NULL, 'j'},
    {"gzip", no_argument, NULL, 'z'},
    {"status", required_argument, NULL, STATUS},
    {"receipts", required_argument, NULL, RECEIPTS},
    {"json", no_argument, NULL, JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

__attribute__((format(printf, 1, 2))) static bool mistake(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("muengsten-send: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\nTry muengsten-send --help.\n", stderr);
    va_end(arguments);
    return false;
}

static bool read_number(const char *name, unsigned long largest, unsigned long *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtoul(optarg, &end, 10);
    if (optarg[0] < '0' || optarg[0] > '9' || *end || errno || *number < 1 || *number > largest)
        return mistake("--%s takes a number from 1 to %lu.", name, largest);
    return true;
}

/* Where an option's text goes; NULL if it has none. */
static const char **text_of(struct mg_send_options *options, int letter)
{
    switch (letter) {
    case TO:
        return &options->to;
    case TLS_CERTIFICATE:
        return &options->tls_certificate;
    case TLS_KEY:
        return &options->tls_key;
    case SIGNING_CERTIFICATE:
        return &options->signing_certificate;
    case SIGNING_KEY:
        return &options->signing_key;
    case AUTHORITIES:
        return &options->authorities;
    case REVOCATION:
        return &options->revocation;
    case RECEIPT_CERTIFICATE:
        return options->receipt_certificate_count < MG_SEND_RECEIPT_CERTIFICATES
                   ? &options->receipt_certificates[options->receipt_certificate_count++]
                   : NULL;
    case PROXY:
        return &options->proxy;
    case AUTHOR:
        return &options->author;
    case READER:
        return &options->reader;
    case STATUS:
        return &options->status;
    case RECEIPTS:
        return &options->receipts;
    case 'o':
        return &options->output;
    default:
        return NULL;
    }
}

static bool *flag_of(struct mg_send_options *options, int letter)
{
    switch (letter) {
    case DETACHED:
        return &options->detached;
    case UNSIGNED:
        return &options->unsigned_;
    case SIGN_ONLY:
        return &options->sign_only;
    case NEW_UUID:
        return &options->new_uuid;
    case SAME:
        return &options->same;
    case JSON:
        return &options->json;
    case 'z':
        return &options->gzip;
    case 'v':
        return &options->verbose;
    default:
        return NULL;
    }
}

static bool take(struct mg_send_options *options, int letter)
{
    const char **text = text_of(options, letter);
    bool *flag = flag_of(options, letter);
    unsigned long seconds = 0;
    if (text)
        *text = optarg;
    else if (flag)
        *flag = true;
    else if (letter == 'n')
        return read_number("repeat", 100000000, &options->repeat);
    else if (letter == 'j')
        return read_number("jobs", 1024, &options->jobs);
    else if (letter == TIMEOUT && read_number("timeout", 86400, &seconds))
        options->timeout = (int64_t)seconds * 1000;
    else
        return letter == TIMEOUT ? false
               : letter == RECEIPT_CERTIFICATE
                   ? mistake("--receipt-certificate can be said %d times at most.",
                             MG_SEND_RECEIPT_CERTIFICATES)
                   : mistake("The option is not known.");
    return true;
}

static bool check_signing(const struct mg_send_options *options)
{
    if (options->unsigned_ && options->sign_only)
        return mistake("--unsigned and --sign-only exclude each other.");
    if (options->unsigned_ && options->detached)
        return mistake("--unsigned and --detached exclude each other.");
    if (!options->unsigned_ && (!options->signing_certificate || !options->signing_key))
        return mistake("Give --signing-certificate and --signing-key, or --unsigned.");
    if (options->same && (options->new_uuid || options->author || options->reader))
        return mistake("--same excludes --new-uuid, --author and --reader.");
    if ((options->author && !strchr(options->author, ':')) ||
        (options->reader && !strchr(options->reader, ':')))
        return mistake("--author and --reader take an id as PREFIX:KEY.");
    return true;
}

static bool check(const struct mg_send_options *options)
{
    struct mg_id id;
    if (options->status) {
        if (options->file_count > 0 || options->sign_only)
            return mistake("--status takes the id of a message, and no files.");
        if (!mg_id_parse(options->status, &id))
            return mistake("--status takes the gateway's id of a message, as in its receipt.");
    } else if (options->file_count == 0) {
        return mistake("Give at least one file.");
    } else if (!check_signing(options)) {
        return false;
    }
    if (options->sign_only)
        return true;
    if (!options->to)
        return mistake("Give --to URL, or --sign-only.");
    if (options->output)
        return mistake("--output goes with --sign-only.");
    if (strncmp(options->to, "https://", 8) != 0 && strncmp(options->to, "http://", 7) != 0)
        return mistake("--to takes a URL, such as https://localhost:8443/messages.");
    if (!options->authorities)
        return mistake("Give --authorities, by which the gateway is recognised.");
    if (strncmp(options->to, "https://", 8) == 0 &&
        (!options->tls_certificate || !options->tls_key))
        return mistake("Give --tls-certificate and --tls-key, by which the gateway knows you.");
    return true;
}

bool mg_send_options_read(int count, char *arguments[], struct mg_send_options *options,
                          int *status)
{
    int letter;
    *options = (struct mg_send_options){.repeat = 1, .jobs = 1, .timeout = 60000};
    *status = MG_SEND_USAGE;
    opterr = 0;
    while ((letter = getopt_long(count, arguments, ":o:n:j:zvhV", longs, NULL)) != -1) {
        if (letter == 'h' || letter == 'V') {
            fputs(letter == 'h' ? help : "muengsten-send " PACKAGE_VERSION "\n", stdout);
            *status = 0;
            return false;
        }
        if (letter == ':')
            return mistake("%s needs a value.", arguments[optind - 1]);
        if (letter == '?')
            return mistake("There is no option %s.", arguments[optind - 1]);
        if (!take(options, letter))
            return false;
    }
    options->files = arguments + optind;
    options->file_count = (size_t)(count - optind);
    return check(options);
}
