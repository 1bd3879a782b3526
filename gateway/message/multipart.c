#include "gateway/message/multipart.h"

#include "gateway/base/characters.h"

#include <string.h>
#include <strings.h>

#define LONGEST_BOUNDARY 70 /* RFC 2046, section 5.1.1 */
#define LONGEST_HEADERS  2048

struct text {
    const char *bytes;
    size_t length;
};

/* The parameters of multipart/related that matter here. */
struct parameters {
    char boundary[LONGEST_BOUNDARY + 1];
    char start[256]; /* without the angle brackets; empty: none */
};

static bool malformed(struct mg_error *error, const char *sentence)
{
    return mg_fail(error, "multipart.malformed", "%s", sentence);
}

/* RFC 9110, section 5.6.2: the characters of a token. */
static bool is_token_character(char character)
{
    return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') ||
           (character && strchr("!#$%&'*+-.^_`|~", character));
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static struct text trim(struct text text)
{
    while (text.length && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

static bool text_is(struct text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.bytes, word, text.length) == 0;
}

/* Copies the text; false if it does not fit or contains a NUL. */
static bool copy_text(struct text text, char *copy, size_t size)
{
    if (text.length >= size || memchr(text.bytes, '\0', text.length))
        return false;
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return true;
}

static struct text take_token(struct text *rest)
{
    struct text token = {.bytes = rest->bytes};
    while (token.length < rest->length && is_token_character(token.bytes[token.length]))
        token.length++;
    rest->bytes += token.length;
    rest->length -= token.length;
    return token;
}

/* Reads a quoted string at the beginning of rest into value. */
static bool take_quoted(struct text *rest, char *value, size_t size)
{
    size_t length = 0;
    for (size_t i = 1; i < rest->length; i++) {
        char character = rest->bytes[i];
        if (character == '"') {
            value[length] = '\0';
            rest->bytes += i + 1;
            rest->length -= i + 1;
            return true;
        }
        if (character == '\\' && ++i < rest->length)
            character = rest->bytes[i];
        if (((unsigned char)character < ' ' && character != '\t') || character == 0x7F ||
            length + 1 >= size)
            return false;
        value[length++] = character;
    }
    return false;
}

/* Steps over ";name=value" at the beginning of rest, white space around the semicolon included. */
static bool take_parameter(struct text *rest, struct text *name, char *value, size_t size)
{
    *rest = trim(*rest);
    if (!rest->length || rest->bytes[0] != ';')
        return false;
    rest->bytes++;
    rest->length--;
    *rest = trim(*rest);
    *name = take_token(rest);
    if (!name->length || !rest->length || rest->bytes[0] != '=')
        return false;
    rest->bytes++;
    rest->length--;
    if (rest->length && rest->bytes[0] == '"')
        return take_quoted(rest, value, size);
    struct text token = take_token(rest);
    return token.length && copy_text(token, value, size);
}

/* Steps over "type/subtype" and writes it in lower case. */
static bool take_media_type(struct text *rest, char *media_type, size_t size)
{
    *rest = trim(*rest);
    struct text type = take_token(rest);
    if (!type.length || !rest->length || rest->bytes[0] != '/')
        return false;
    rest->bytes++;
    rest->length--;
    struct text subtype = take_token(rest);
    struct text whole = {.bytes = type.bytes, .length = type.length + 1 + subtype.length};
    if (!subtype.length || !copy_text(whole, media_type, size))
        return false;
    for (char *character = media_type; *character; character++) {
        if (*character >= 'A' && *character <= 'Z')
            *character = (char)(*character - 'A' + 'a');
    }
    return true;
}

bool mg_multipart_is(const char *content_type)
{
    struct text rest = {.bytes = content_type, .length = strlen(content_type)};
    char media_type[32];
    if (!take_media_type(&rest, media_type, sizeof media_type))
        return false;
    rest = trim(rest);
    return strcmp(media_type, "multipart/related") == 0 && (!rest.length || rest.bytes[0] == ';');
}

static bool is_boundary(const char *boundary)
{
    static const char characters[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        "'()+_,-./:=? ";
    size_t length = strlen(boundary);
    return length && strspn(boundary, characters) == length && boundary[length - 1] != ' ';
}

/* Takes the angle brackets off "<id>" (RFC 2392). */
static bool take_content_id(struct text id, char *content_id, size_t size)
{
    id = trim(id);
    if (id.length < 3 || id.bytes[0] != '<' || id.bytes[id.length - 1] != '>')
        return false;
    id.bytes++;
    id.length -= 2;
    for (size_t i = 0; i < id.length; i++) {
        unsigned char character = (unsigned char)id.bytes[i];
        if (character <= ' ' || character >= 0x7F || character == '<' || character == '>')
            return false;
    }
    return copy_text(id, content_id, size);
}

static bool read_start(const char *value, struct parameters *parameters, struct mg_error *error)
{
    struct text id = {.bytes = value, .length = strlen(value)};
    if (parameters->start[0] || !take_content_id(id, parameters->start, sizeof parameters->start))
        return mg_fail(error, "multipart.start",
                       "the parameter start of the Content-Type is not one <content-id>");
    return true;
}

static bool read_parameters(const char *content_type, struct parameters *parameters,
                            struct mg_error *error)
{
    struct text rest = {.bytes = content_type, .length = strlen(content_type)}, name;
    char value[512];
    *parameters = (struct parameters){0};
    if (!mg_multipart_is(content_type) || !take_media_type(&rest, value, sizeof value))
        return malformed(error, "the Content-Type is not multipart/related");
    while (trim(rest).length) {
        if (!take_parameter(&rest, &name, value, sizeof value))
            return mg_fail(error, "multipart.boundary",
                           "the parameters of the Content-Type are not written as name=value");
        if (text_is(name, "start") && !read_start(value, parameters, error))
            return false;
        if (!text_is(name, "boundary"))
            continue;
        if (parameters->boundary[0] || strlen(value) > LONGEST_BOUNDARY || !is_boundary(value))
            return mg_fail(error, "multipart.boundary",
                           "the boundary is given twice, or is not 1 to 70 characters of RFC 2046");
        memcpy(parameters->boundary, value, strlen(value) + 1);
    }
    if (!parameters->boundary[0])
        return mg_fail(error, "multipart.boundary", "the Content-Type names no boundary");
    return true;
}

static bool read_type(struct text value, struct mg_part *part, struct mg_error *error)
{
    struct text name;
    char ignored[512];
    if (part->media_type[0] || !take_media_type(&value, part->media_type, sizeof part->media_type))
        return malformed(error, "the Content-Type of a part is given twice or not type/subtype");
    while (trim(value).length) {
        if (!take_parameter(&value, &name, ignored, sizeof ignored))
            return malformed(error, "the Content-Type of a part has bad parameters");
    }
    return true;
}

/* A name that could leave its folder, or that no file can have, is not admitted. */
static bool is_file_name(const char *name)
{
    const char *where;
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strpbrk(name, "/\\\t"))
        return false;
    return mg_characters_check(name, strlen(name), &where) == MG_CHARACTERS_GOOD;
}

static bool read_disposition(struct text value, struct mg_part *part, struct mg_error *error)
{
    struct text name;
    char parameter[512];
    value = trim(value);
    if (!take_token(&value).length)
        return malformed(error, "the Content-Disposition of a part has no type");
    while (trim(value).length) {
        if (!take_parameter(&value, &name, parameter, sizeof parameter))
            return malformed(error, "the Content-Disposition of a part has bad parameters");
        if (!text_is(name, "filename"))
            continue;
        struct text file = {.bytes = parameter, .length = strlen(parameter)};
        if (part->name[0] || !is_file_name(parameter) ||
            !copy_text(file, part->name, sizeof part->name))
            return malformed(error,
                             "the file name of a part is given twice, too long, not UTF-8, or "
                             "contains a path");
    }
    return true;
}

struct part_headers {
    struct mg_part *part;
    bool encoding_seen;
    bool disposition_seen;
};

static bool read_encoding(struct text value, struct part_headers *headers, struct mg_error *error)
{
    value = trim(value);
    if (headers->encoding_seen ||
        !(text_is(value, "binary") || text_is(value, "8bit") || text_is(value, "7bit")))
        return mg_fail(error, "multipart.encoding",
                       "the Content-Transfer-Encoding of a part is not binary, 8bit or 7bit");
    headers->encoding_seen = true;
    return true;
}

static bool read_header(struct text line, struct part_headers *headers, struct mg_error *error)
{
    struct mg_part *part = headers->part;
    struct text name = take_token(&line);
    if (!name.length || !line.length || line.bytes[0] != ':')
        return malformed(error, "a header of a part is not written as name: value on one line");
    line.bytes++;
    line.length--;
    for (size_t i = 0; i < line.length; i++) {
        if (((unsigned char)line.bytes[i] < ' ' && line.bytes[i] != '\t') || line.bytes[i] == 0x7F)
            return malformed(error, "a header of a part contains a control character");
    }
    if (text_is(name, "Content-Type"))
        return read_type(line, part, error);
    if (text_is(name, "Content-Transfer-Encoding"))
        return read_encoding(line, headers, error);
    if (text_is(name, "Content-ID")) {
        if (part->content_id[0] ||
            !take_content_id(line, part->content_id, sizeof part->content_id))
            return malformed(error, "the Content-ID of a part is given twice or not <id>");
    }
    if (text_is(name, "Content-Disposition")) {
        if (headers->disposition_seen)
            return malformed(error, "the Content-Disposition of a part is given twice");
        headers->disposition_seen = true;
        return read_disposition(line, part, error);
    }
    return true;
}

/* Reads the headers at the beginning of bytes; what follows them is the content of the part. */
static bool read_part(struct text bytes, struct mg_part *part, struct mg_error *error)
{
    struct part_headers headers = {.part = part};
    const char *cursor = bytes.bytes, *end = bytes.bytes + bytes.length;
    *part = (struct mg_part){0};
    for (;;) {
        size_t left = (size_t)(end - cursor);
        size_t room = LONGEST_HEADERS - (size_t)(cursor - bytes.bytes);
        const char *close = memmem(cursor, left < room ? left : room, "\r\n", 2);
        if (!close)
            return malformed(error, "the headers of a part do not end with an empty line within "
                                    "2 KiB");
        struct text line = {.bytes = cursor, .length = (size_t)(close - cursor)};
        cursor = close + 2;
        if (!line.length)
            break;
        if (!read_header(line, &headers, error))
            return false;
    }
    if (!part->media_type[0]) /* RFC 2045, section 5.2 */
        memcpy(part->media_type, "text/plain", sizeof "text/plain");
    part->bytes = cursor;
    part->length = (size_t)(end - cursor);
    return true;
}

static bool only_white_space(const char *cursor, const char *end)
{
    while (cursor < end && (is_blank(*cursor) || *cursor == '\r' || *cursor == '\n'))
        cursor++;
    return cursor == end;
}

/* The first delimiter stands at the beginning of a line, behind nothing but white space. */
static const char *find_first(const char *body, const char *end, const char *dashed, size_t length)
{
    const char *found = memmem(body, (size_t)(end - body), dashed, length);
    if (!found || !only_white_space(body, found) || (found > body && found[-1] != '\n'))
        return NULL;
    return found + length;
}

static bool add_part(struct mg_multipart *multipart, struct text bytes, struct mg_error *error)
{
    if (multipart->count == MG_MULTIPART_PARTS)
        return mg_fail(error, "multipart.too-many-parts", "the body has more than %d parts",
                       MG_MULTIPART_PARTS);
    struct mg_part *part = &multipart->parts[multipart->count];
    if (!read_part(bytes, part, error)) {
        mg_error_at(error, "part %zu", multipart->count + 1);
        return false;
    }
    for (size_t i = 0; part->content_id[0] && i < multipart->count; i++) {
        if (strcmp(multipart->parts[i].content_id, part->content_id) == 0)
            return malformed(error, "two parts have the same Content-ID");
    }
    multipart->count++;
    return true;
}

static bool split(struct text body, const char *boundary, struct mg_multipart *multipart,
                  struct mg_error *error)
{
    char delimiter[LONGEST_BOUNDARY + 5] = "\r\n--";
    size_t length = 4 + strlen(boundary);
    memcpy(delimiter + 4, boundary, length - 4 + 1);
    const char *end = body.bytes + body.length;
    const char *cursor = find_first(body.bytes, end, delimiter + 2, length - 2);
    if (!cursor)
        return malformed(error, "the body does not begin with the boundary");
    while (end - cursor >= 2 && memcmp(cursor, "\r\n", 2) == 0) {
        cursor += 2;
        const char *next = memmem(cursor, (size_t)(end - cursor), delimiter, length);
        if (!next)
            return malformed(error, "a part does not end with the boundary");
        if (!add_part(multipart, (struct text){cursor, (size_t)(next - cursor)}, error))
            return false;
        cursor = next + length;
    }
    if (end - cursor < 2 || memcmp(cursor, "--", 2) != 0)
        return malformed(error, "a boundary is followed by something else than a line end");
    if (!only_white_space(cursor + 2, end))
        return malformed(error, "something follows the last boundary");
    if (multipart->count == 0)
        return malformed(error, "the body has no parts");
    return true;
}

static bool find_root(struct mg_multipart *multipart, const char *start, struct mg_error *error)
{
    multipart->root = 0;
    if (!start[0])
        return true;
    for (size_t i = 0; i < multipart->count; i++) {
        if (strcmp(multipart->parts[i].content_id, start) == 0) {
            multipart->root = i;
            return true;
        }
    }
    return mg_fail(error, "multipart.start",
                   "no part has the Content-ID that the parameter start names");
}

bool mg_multipart_read(const char *content_type, const char *body, size_t length,
                       struct mg_multipart *multipart, struct mg_error *error)
{
    struct parameters parameters;
    multipart->count = 0;
    multipart->root = 0;
    return read_parameters(content_type, &parameters, error) &&
           split((struct text){body, length}, parameters.boundary, multipart, error) &&
           find_root(multipart, parameters.start, error);
}
