#include "gateway/operate/access.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

/* ---- hosts ---- */

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 6 && text[digits] == '\0';
}

/* The name in a Host header, without its port and without the brackets of an IPv6 address. */
static bool read_host(const char *host, char *name, size_t size)
{
    bool brackets = host[0] == '[';
    const char *after = brackets ? strchr(host, ']') : host;
    const char *colon = after ? strchr(after, ':') : NULL;
    size_t length = colon ? (size_t)(colon - host) : strlen(host);
    if (!after || length >= size || (colon && !is_port(colon + 1)))
        return false;
    if (brackets && host + length != after + 1)
        return false;
    memcpy(name, host + brackets, length - 2 * brackets);
    name[length - 2 * brackets] = '\0';
    return true;
}

bool mg_access_is_own_host(const char *host)
{
    char name[64];
    struct in_addr address;
    if (!read_host(host, name, sizeof name))
        return false;
    if (host[0] == '[' ? strcmp(name, "::1") == 0 : strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &address) == 1 && host[0] != '[' &&
           ntohl(address.s_addr) >> 24 == 127;
}

bool mg_access_is_host_of(const char *host, X509 *certificate, const char *const *others,
                          size_t count)
{
    static const unsigned flags =
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    char name[256];
    if (!read_host(host, name, sizeof name) || name[0] == '\0')
        return false;
    bool is_name = host[0] != '[';
    for (size_t i = 0; i < count && is_name; i++)
        if (strcasecmp(others[i], name) == 0)
            return true;
    bool known = (is_name && X509_check_host(certificate, name, 0, flags, NULL) == 1) ||
                 X509_check_ip_asc(certificate, name, 0) == 1;
    ERR_clear_error();
    return known;
}

/* ---- sites ---- */

/* Fetch Metadata: what a person does in the browser itself is "none". */
static bool is_own_fetch(const struct mg_http_head *head)
{
    const char *site = mg_http_header(head, "Sec-Fetch-Site");
    if (!site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0)
        return true;
    /* A link from elsewhere may lead here: it only shows. */
    const char *mode = mg_http_header(head, "Sec-Fetch-Mode");
    return strcmp(head->method, "POST") != 0 && mode && strcmp(mode, "navigate") == 0;
}

static bool is_own_origin(const struct mg_http_head *head, const char *scheme)
{
    const char *origin = mg_http_header(head, "Origin");
    const char *host = mg_http_header(head, "Host");
    size_t length = strlen(scheme);
    if (!origin)
        return true;
    return host && strncasecmp(origin, scheme, length) == 0 &&
           strncmp(origin + length, "://", 3) == 0 && strcasecmp(origin + length + 3, host) == 0;
}

bool mg_access_is_cross_site(const struct mg_http_head *head, const char *scheme)
{
    return !is_own_fetch(head) || !is_own_origin(head, scheme);
}

bool mg_access_is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    if (!type || strncasecmp(type, json, length) != 0)
        return false;
    type += length;
    type += strspn(type, " \t");
    if (*type == '\0')
        return true;
    if (*type++ != ';')
        return false;
    type += strspn(type, " \t");
    return strcasecmp(type, "charset=utf-8") == 0 || strcasecmp(type, "charset=\"utf-8\"") == 0;
}
