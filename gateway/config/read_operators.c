/* Who may look at the gateway and act on it, and where they do so. */
#include "gateway/config/credentials.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Whoever comes by the address of this machine alone is called so in the audit trail. */
#define NOBODY_IN_PARTICULAR "loopback"
/* Bytes of a group with all its members. */
#define GROUP_LIMIT (1024 * 1024)

const char *const mg_role_words[] = {
    [MG_ROLE_NONE] = "none",
    [MG_ROLE_VIEWER] = "viewer",
    [MG_ROLE_OPERATOR] = "operator",
    NULL,
};

static enum mg_role read_role(struct mg_reader *reader, const xmlNode *element)
{
    static const char *const words[] = {"viewer", "operator", NULL};
    return mg_reader_choice(reader, element, "role", "viewer", words) == 0 ? MG_ROLE_VIEWER
                                                                           : MG_ROLE_OPERATOR;
}

/* ---- operators ---- */

static void read_operator(struct mg_reader *reader, const xmlNode *element,
                          struct mg_config_operator *one)
{
    static const char *const truth[] = {"false", "true", NULL};
    one->place = mg_reader_place(reader, element);
    one->name = mg_reader_text_or(reader, element, "name", "");
    one->role = read_role(reader, element);
    one->contents = mg_reader_choice(reader, element, "contents", "false", truth) == 1;
    one->fingerprints = mg_credentials_fingerprints(reader, element, "certificate", NULL, NULL,
                                                    &one->fingerprint_count);
    one->subject = mg_credentials_subject(reader, element, "subject");
    one->issuers = mg_credentials_issuers(reader, element, "operator", one->name,
                                          one->subject != NULL, "subject");
    if (strcmp(one->name, NOBODY_IN_PARTICULAR) == 0)
        mg_reader_problem(reader, element, false,
                          "the name " NOBODY_IN_PARTICULAR
                          " stands for whoever asks from this machine; choose another");
    if (!mg_reader_text(reader, element, "certificate") && !one->subject)
        mg_reader_problem(reader, element, false,
                          "operator \"%.100s\" cannot be recognised: give it a certificate, or a "
                          "subject and its issuer",
                          one->name);
}

static void read_operators(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    size_t most = mg_reader_count(reader, "operator");
    config->operators = mg_arena_allocate(reader->arena, most, sizeof *config->operators);
    mg_names_start(&reader->snapshot->operators, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "operator", &cursor));) {
        struct mg_config_operator *one = &config->operators[config->operator_count];
        read_operator(reader, element, one);
        mg_names_add(&reader->snapshot->operators, one->name, &one->place,
                     config->operator_count++);
    }
    mg_reader_finish_names(reader, "operator", &reader->snapshot->operators);
    mg_owners_collect_operators(&reader->snapshot->operator_owners, reader->arena, config);
}

/* ---- the address ---- */

static bool is_loopback(const char *host, size_t length)
{
    char text[INET_ADDRSTRLEN] = "";
    struct in_addr address;
    if (length == strlen("[::1]") && memcmp(host, "[::1]", length) == 0)
        return true;
    if (length >= sizeof text)
        return false;
    memcpy(text, host, length);
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool is_any_address(const char *host, size_t length)
{
    char text[INET6_ADDRSTRLEN + 2] = "";
    unsigned char address[sizeof(struct in6_addr)];
    if (length == 1 && host[0] == '*')
        return true;
    if (length < 3 || length >= sizeof text)
        return false;
    memcpy(text, host, length);
    if (text[0] != '[')
        return inet_pton(AF_INET, text, address) == 1;
    if (text[length - 1] != ']')
        return false;
    text[length - 1] = '\0';
    return inet_pton(AF_INET6, text + 1, address) == 1;
}

/* What is served on loopback is for everybody who reaches it, so nobody from outside may;
 * everywhere else each one has to say who it is. */
static void check_opening(struct mg_reader *reader, const xmlNode *element,
                          const struct mg_config_status *status)
{
    if (status->loopback)
        return;
    if (mg_reader_text(reader, element, "role"))
        mg_reader_problem(reader, element, false,
                          "role=\"…\" is for an address of this machine alone; at %.100s each one "
                          "has the role of its <operator>",
                          status->address);
    if (reader->config->operator_count == 0)
        mg_reader_problem(reader, element, false,
                          "at %.100s others can reach the gateway, and there is no <operator> yet: "
                          "say who may, or serve at 127.0.0.1 alone",
                          status->address);
}

static void read_status(struct mg_reader *reader)
{
    const xmlNode *element = mg_reader_only(reader, "status");
    if (!element)
        return;
    struct mg_config_status *status = &reader->config->status;
    status->place = mg_reader_place(reader, element);
    status->address = mg_reader_text_or(reader, element, "address", "");
    status->role = read_role(reader, element);
    status->hosts = mg_reader_words(reader, element, "hosts", &status->host_count);
    const char *colon = strrchr(status->address, ':');
    size_t length = colon ? (size_t)(colon - status->address) : 0;
    int64_t port;
    if (!colon || !mg_value_read(MG_VALUE_COUNT, colon + 1, &port) || port > 65535 ||
        !is_any_address(status->address, length)) {
        mg_reader_problem(reader, element, false,
                          "address=\"%.100s\" is not an address: say 127.0.0.1:PORT, [::1]:PORT, "
                          "or for others too *:PORT, with a port up to 65535",
                          status->address);
        return;
    }
    status->loopback = is_loopback(status->address, length);
    check_opening(reader, element, status);
}

/* ---- the socket ---- */

static bool find_group(const char *name, gid_t *number)
{
    struct group group, *found = NULL;
    size_t size = 1024;
    char *room = mg_allocate(size);
    int result;
    while ((result = getgrnam_r(name, &group, room, size, &found)) == ERANGE && size < GROUP_LIMIT)
        room = mg_reallocate(room, size *= 2);
    if (found)
        *number = group.gr_gid;
    free(room);
    return found != NULL;
}

static void read_group(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                       bool *said, gid_t *number)
{
    const char *name = mg_reader_text(reader, element, attribute);
    if (!name || reader->without_files)
        return;
    *said = find_group(name, number);
    if (!*said)
        mg_reader_problem(reader, element, false,
                          "%s=\"%.100s\": this machine has no such group; add it, or name another",
                          attribute, name);
}

static void read_control(struct mg_reader *reader)
{
    const xmlNode *element = mg_reader_only(reader, "control");
    if (!element)
        return;
    struct mg_config_control *control = &reader->config->control;
    control->place = mg_reader_place(reader, element);
    control->socket =
        mg_reader_path(reader, mg_reader_text_or(reader, element, "socket", "control"));
    if (strlen(control->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        mg_reader_problem(reader, element, false,
                          "socket: the path is longer than the %zu bytes that a socket's may have",
                          sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
    read_group(reader, element, "operators", &control->has_operators, &control->operators);
    read_group(reader, element, "viewers", &control->has_viewers, &control->viewers);
}

void mg_read_operators(struct mg_reader *reader)
{
    read_operators(reader);
    read_status(reader);
    read_control(reader);
}
