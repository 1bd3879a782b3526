#include "adapters/sftp/known_hosts.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_NAME 300  /* bytes of a host's name with its port */
#define LONGEST_KEY  4096 /* bytes of a host key: RSA with 16384 bits needs half */
#define HASH_LENGTH  20   /* SHA-1, as OpenSSH hashes names; nothing is secured by it */

/* A piece of the text. */
struct piece {
    const char *start;
    size_t length;
};

/* What a line says. */
struct entry {
    struct piece marker; /* "@revoked"; empty: none */
    struct piece hosts;
    struct piece type;
    struct piece key; /* base64 */
};

static bool equals(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && memcmp(piece.start, text, piece.length) == 0;
}

/* The next word of a line, which ends at a NUL or a line feed. */
static struct piece next_word(const char **at)
{
    *at += strspn(*at, " \t");
    struct piece word = {*at, strcspn(*at, " \t\r\n")};
    *at += word.length;
    return word;
}

/* Reads the next line that says anything. False at the end. */
static bool next_entry(const char **at, struct entry *entry)
{
    while (**at) {
        const char *line = *at;
        *at += strcspn(*at, "\n");
        if (**at)
            (*at)++;
        *entry = (struct entry){{"", 0}, {"", 0}, {"", 0}, {"", 0}};
        struct piece word = next_word(&line);
        if (word.length > 0 && word.start[0] == '@') {
            entry->marker = word;
            word = next_word(&line);
        }
        if (word.length == 0 || word.start[0] == '#')
            continue;
        entry->hosts = word;
        entry->type = next_word(&line);
        entry->key = next_word(&line);
        if (entry->key.length > 0 &&
            (entry->marker.length == 0 || equals(entry->marker, "@revoked")))
            return true;
    }
    return false;
}

/* Bytes of base64; -1 if it is none or does not fit. */
static int decode(struct piece text, unsigned char *bytes, size_t size)
{
    if (text.length % 4 != 0 || text.length == 0 || text.length / 4 * 3 > size)
        return -1;
    int length = EVP_DecodeBlock(bytes, (const unsigned char *)text.start, (int)text.length);
    for (size_t i = text.length; length > 0 && i > text.length - 2 && text.start[i - 1] == '='; i--)
        length--;
    return length;
}

/* ---- names ---- */

/* Patterns are short and stars few: what a hostile line could cost is its square. */
static bool matches_pattern(struct piece pattern, const char *name)
{
    const char *star_name = NULL;
    size_t at = 0, star = 0;
    while (*name) {
        if (at < pattern.length && pattern.start[at] == '*') {
            star = ++at;
            star_name = name;
        } else if (at < pattern.length &&
                   (pattern.start[at] == '?' ||
                    tolower((unsigned char)pattern.start[at]) == (unsigned char)*name)) {
            at++;
            name++;
        } else if (star_name) {
            at = star;
            name = ++star_name;
        } else {
            return false;
        }
    }
    while (at < pattern.length && pattern.start[at] == '*')
        at++;
    return at == pattern.length;
}

/* |1|SALT|HASH: the name under HMAC-SHA1 with the salt as key. */
static bool matches_hash(struct piece hashed, const char *name)
{
    unsigned char salt[HASH_LENGTH + 4], hash[HASH_LENGTH + 4], own[EVP_MAX_MD_SIZE];
    unsigned own_length = 0;
    const char *separator = memchr(hashed.start + 3, '|', hashed.length - 3);
    if (!separator)
        return false;
    struct piece first = {hashed.start + 3, (size_t)(separator - hashed.start - 3)};
    struct piece second = {separator + 1, hashed.length - first.length - 4};
    if (decode(first, salt, sizeof salt) != HASH_LENGTH ||
        decode(second, hash, sizeof hash) != HASH_LENGTH)
        return false;
    return HMAC(EVP_sha1(), salt, HASH_LENGTH, (const unsigned char *)name, strlen(name), own,
                &own_length) &&
           own_length == HASH_LENGTH && memcmp(own, hash, HASH_LENGTH) == 0;
}

/* One of the names with commas between them, and none of those excluded. */
static bool matches_hosts(struct piece hosts, const char *name)
{
    bool found = false;
    if (hosts.length > 3 && memcmp(hosts.start, "|1|", 3) == 0)
        return matches_hash(hosts, name);
    for (const char *at = hosts.start, *end = hosts.start + hosts.length; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        struct piece pattern = {at, (size_t)((comma ? comma : end) - at)};
        bool excludes = pattern.length > 0 && *pattern.start == '!';
        if (excludes)
            pattern = (struct piece){pattern.start + 1, pattern.length - 1};
        if (matches_pattern(pattern, name)) {
            if (excludes)
                return false;
            found = true;
        }
        at = comma ? comma + 1 : end;
    }
    return found;
}

static void name_of(const char *host, int port, char name[LONGEST_NAME])
{
    snprintf(name, LONGEST_NAME, port == 22 ? "%s" : "[%s]:%d", host, port);
    for (char *at = name; *at; at++)
        *at = (char)tolower((unsigned char)*at);
}

/* ---- judging ---- */

static bool is_key(struct piece text, const void *key, size_t length)
{
    unsigned char bytes[LONGEST_KEY];
    int decoded = decode(text, bytes, sizeof bytes);
    return decoded > 0 && (size_t)decoded == length && memcmp(bytes, key, length) == 0;
}

enum mg_host_judgement mg_known_hosts_judge(const char *text, const char *host, int port,
                                            const void *key, size_t length)
{
    enum mg_host_judgement judgement = MG_HOST_UNKNOWN;
    char name[LONGEST_NAME];
    struct entry entry;
    name_of(host, port, name);
    while (next_entry(&text, &entry)) {
        if (!matches_hosts(entry.hosts, name))
            continue;
        bool same = is_key(entry.key, key, length);
        if (entry.marker.length > 0) {
            if (same)
                return MG_HOST_REVOKED; /* wherever it stands in the file */
        } else if (same) {
            judgement = MG_HOST_KNOWN;
        } else if (judgement == MG_HOST_UNKNOWN) {
            judgement = MG_HOST_CHANGED;
        }
    }
    return judgement;
}

/* Types of keys, and the methods by which they are good enough: RSA never with SHA-1. */
static const struct {
    const char *type;
    const char *methods;
} kinds[] = {
    {"ssh-ed25519", "ssh-ed25519"},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"},
    {"ssh-rsa", "rsa-sha2-512,rsa-sha2-256"},
};

#define KINDS (sizeof kinds / sizeof *kinds)

void mg_known_hosts_methods(const char *text, const char *host, int port, char *methods,
                            size_t size)
{
    bool known[KINDS] = {false};
    char name[LONGEST_NAME];
    struct entry entry;
    size_t length = 0;
    name_of(host, port, name);
    while (next_entry(&text, &entry))
        for (size_t i = 0; i < KINDS; i++)
            if (entry.marker.length == 0 && equals(entry.type, kinds[i].type) && !known[i])
                known[i] = matches_hosts(entry.hosts, name);
    methods[0] = '\0';
    for (int wanted = 1; wanted >= 0; wanted--)
        for (size_t i = 0; i < KINDS; i++)
            if (known[i] == (wanted == 1) && length < size)
                length += (size_t)snprintf(methods + length, size - length, "%s%s",
                                           length > 0 ? "," : "", kinds[i].methods);
}
