#include "gateway/base/characters.h"
#include "gateway/message/xml.h"
#include "gateway/message/xml_words.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* libxml2 refuses what is nested deeper (xmlParserMaxDepth), whatever the configuration says. */
#define DEEPEST 256

/* Nodes cost libxml2 some 120 bytes each however few bytes they stand for. Elements, comments,
 * instructions and CDATA sections together obey the limit of elements; attributes of the whole
 * document this many times that limit. */
#define ATTRIBUTES_FOR_EACH_ELEMENT 2

/* Canonical XML looks up every namespace declaration in force for every element, and each look-up
 * walks through them again: it costs the square of their number for each element. The sum of these
 * squares may reach what a document at the limit of elements with this many declarations in force
 * costs. */
#define USUAL_DECLARATIONS 20U

struct scan {
    const char *begin;
    const char *cursor;
    const char *end;
    const struct mg_xml_limits *limits;
    struct mg_error *error;
    size_t depth;
    size_t nodes;
    size_t attributes;
    size_t text;                        /* bytes since the last tag */
    size_t work;                        /* the sum of squares above */
    size_t words;                       /* names and what else libxml2 remembers */
    struct mg_xml_words *different;     /* those after the first; NULL: not as many yet */
    bool closed;                        /* the document element has ended */
    uint32_t declarations[DEEPEST + 1]; /* in force at each depth */
};

void mg_xml_limits_default(struct mg_xml_limits *limits)
{
    *limits = (struct mg_xml_limits){
        .size = 16U << 20,
        .depth = 100,
        .elements = 200000,
        .attributes = 64,
        .start_tag = 65536,
        .text = 1U << 20,
    };
}

/* Lines are counted only when something is wrong, so that nobody pays for it when nothing is. */
static bool refuse(const struct scan *scan, const char *where, const char *code,
                   const char *sentence)
{
    size_t line = 1;
    const char *end_of_line, *cursor = scan->begin;
    while ((end_of_line = memchr(cursor, '\n', (size_t)(where - cursor)))) {
        line++;
        cursor = end_of_line + 1;
    }
    mg_fail(scan->error, code, "%s", sentence);
    mg_error_at(scan->error, "line %zu", line);
    return false;
}

static bool malformed(const struct scan *scan, const char *where, const char *sentence)
{
    return refuse(scan, where, "xml.malformed", sentence);
}

static bool is_space(char character)
{
    return character == ' ' || character == '\n' || character == '\t' || character == '\r';
}

/* Bytes that may stand in a name, one bit each: letters, digits, - . _ : and all beyond ASCII. Of
 * the characters there the parser knows which ones; no limit hangs on the difference. */
static bool is_name_byte(char character)
{
    static const uint32_t names[8] = {0,          0x07FF6000, 0x87FFFFFE, 0x07FFFFFE,
                                      UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    unsigned char byte = (unsigned char)character;
    return names[byte / 32] >> byte % 32 & 1;
}

static bool begins_name(char character)
{
    return is_name_byte(character) && !(character >= '0' && character <= '9') && character != '-' &&
           character != '.';
}

static const char *skip_name(const char *cursor, const char *end)
{
    while (cursor < end && is_name_byte(*cursor))
        cursor++;
    return cursor;
}

static const char *skip_space(const char *cursor, const char *end)
{
    while (cursor < end && is_space(*cursor))
        cursor++;
    return cursor;
}

static bool starts_with(const struct scan *scan, const char *text, size_t length)
{
    return (size_t)(scan->end - scan->cursor) >= length && memcmp(scan->cursor, text, length) == 0;
}

/* Comments, instructions and CDATA sections become nodes like elements. */
static bool count_node(struct scan *scan)
{
    if (++scan->nodes > scan->limits->elements)
        return refuse(scan, scan->cursor, "xml.too-many-elements",
                      "the document has more elements, comments, processing instructions and CDATA "
                      "sections than the limit allows; split it");
    return true;
}

static bool count_text(struct scan *scan, size_t length)
{
    scan->text += length;
    if (scan->text > scan->limits->text)
        return refuse(scan, scan->cursor, "xml.text-too-long",
                      "the text between two tags is longer than the limit allows; hand in large "
                      "content as an attachment");
    return true;
}

/* Words go into libxml2's dictionary. */
static bool count_word(struct scan *scan, const char *text, size_t length)
{
    if (++scan->words <= MG_XML_WORDS_FREE)
        return true;
    if (!scan->different)
        scan->different = mg_xml_words_new();
    return mg_xml_words_add(scan->different, text, length) ||
           refuse(scan, text, "xml.too-many-names",
                  "the document has more different names, namespaces and kinds of white space "
                  "between tags than any standard; use fewer");
}

/* White space between tags goes there too, up to this length. */
#define REMEMBERED_SPACE 60

static bool count_space(struct scan *scan, const char *text, size_t length)
{
    if (length == 0 || length >= REMEMBERED_SPACE ||
        skip_space(text, text + length) != text + length)
        return true;
    return count_word(scan, text, length);
}

/* The length of the reference at text, which begins with &; 0 if it is none that XML defines
 * without a declaration (sections 4.1 and 4.6). */
static size_t reference_length(const char *text, const char *end)
{
    static const char *const defined[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    size_t left = (size_t)(end - text);
    for (size_t i = 0; i < sizeof defined / sizeof *defined; i++)
        if (left >= strlen(defined[i]) && memcmp(text, defined[i], strlen(defined[i])) == 0)
            return strlen(defined[i]);
    if (left < 4 || text[1] != '#')
        return 0;
    const char *digit = text[2] == 'x' ? text + 3 : text + 2;
    const char *after = digit;
    while (after < end && ((*after >= '0' && *after <= '9') ||
                           (digit == text + 3 && (*after | 0x20) >= 'a' && (*after | 0x20) <= 'f')))
        after++;
    return after > digit && after < end && *after == ';' ? (size_t)(after + 1 - text) : 0;
}

/* libxml2 goes on after an entity that it does not know, and remembers the name of each. */
static bool check_references(const struct scan *scan, const char *text, const char *end)
{
    while ((text = memchr(text, '&', (size_t)(end - text)))) {
        size_t length = reference_length(text, end);
        if (length == 0)
            return malformed(scan, text,
                             "a reference is not complete, or to an entity that XML does not "
                             "define; write & as &amp;");
        text += length;
    }
    return true;
}

static bool scan_comment(struct scan *scan)
{
    const char *cursor = scan->cursor + 4;
    const char *close = memmem(cursor, (size_t)(scan->end - cursor), "--", 2);
    if (!close)
        return malformed(scan, scan->cursor, "a comment does not end");
    if (close + 2 == scan->end || close[2] != '>')
        return malformed(scan, close, "a comment contains two hyphens in a row");
    if (!count_node(scan))
        return false;
    scan->cursor = close + 3;
    return true;
}

static bool scan_cdata(struct scan *scan)
{
    if (scan->depth == 0)
        return malformed(scan, scan->cursor, "text stands outside the document element");
    const char *cursor = scan->cursor + 9;
    const char *close = memmem(cursor, (size_t)(scan->end - cursor), "]]>", 3);
    if (!close)
        return malformed(scan, scan->cursor, "a CDATA section does not end");
    if (!count_node(scan) || !count_text(scan, (size_t)(close - cursor)))
        return false;
    scan->cursor = close + 3;
    return true;
}

static bool scan_instruction(struct scan *scan)
{
    const char *target = scan->cursor + 2, *after = skip_name(target, scan->end);
    if (after == target || !begins_name(*target))
        return malformed(scan, scan->cursor, "a processing instruction has no name");
    if (after - target == 3 && strncasecmp(target, "xml", 3) == 0)
        return malformed(scan, scan->cursor,
                         "an XML declaration stands elsewhere than at the very beginning");
    if (scan->closed)
        return refuse(scan, scan->cursor, "xml.trailing-instruction",
                      "a processing instruction stands behind the document element; remove it");
    const char *close = memmem(after, (size_t)(scan->end - after), "?>", 2);
    if (!close)
        return malformed(scan, scan->cursor, "a processing instruction does not end");
    if (close != after && !is_space(*after))
        return malformed(scan, scan->cursor, "a processing instruction has a name of other signs");
    if (!count_node(scan) || !count_word(scan, target, (size_t)(after - target)))
        return false;
    scan->cursor = close + 2;
    return true;
}

static bool scan_exclamation(struct scan *scan)
{
    static const char doctype[] = "<!DOCTYPE";
    if (starts_with(scan, "<!--", 4))
        return scan_comment(scan);
    if (starts_with(scan, "<![CDATA[", 9))
        return scan_cdata(scan);
    if ((size_t)(scan->end - scan->cursor) >= sizeof doctype - 1 &&
        strncasecmp(scan->cursor, doctype, sizeof doctype - 1) == 0)
        return refuse(scan, scan->cursor, "xml.doctype",
                      "the document has a document type declaration; remove it, also every entity "
                      "that it declares");
    return malformed(scan, scan->cursor,
                     "a declaration stands where markup of content is expected");
}

static bool scan_end_tag(struct scan *scan)
{
    const char *name = scan->cursor + 2, *after = skip_name(name, scan->end);
    const char *close = skip_space(after, scan->end);
    if (scan->depth == 0)
        return malformed(scan, scan->cursor, "an end tag stands outside the document element");
    if (after == name || !begins_name(*name) || close == scan->end || *close != '>')
        return malformed(scan, scan->cursor, "an end tag is not complete");
    scan->depth--;
    scan->text = 0;
    scan->closed = scan->depth == 0;
    scan->cursor = close + 1;
    return true;
}

/* A start tag ran into stop, which is its longest length or the end of the document. */
static bool cut_short(const struct scan *scan, const char *stop)
{
    if (stop == scan->end)
        return malformed(scan, scan->cursor, "a start tag does not end");
    return refuse(scan, scan->cursor, "xml.start-tag-too-long",
                  "a start tag is longer than the limit allows; shorten its attributes");
}

static bool declares_namespace(const char *attribute, const char *after)
{
    return after - attribute > 5 && memcmp(attribute, "xmlns", 5) == 0 &&
           (attribute[5] == ':' || !is_name_byte(attribute[5]));
}

/* Steps over one attribute at *cursor. */
static bool scan_attribute(struct scan *scan, const char **cursor, const char *stop)
{
    const char *after = skip_name(*cursor, stop);
    const char *equals = skip_space(after, stop);
    if (!begins_name(**cursor))
        return malformed(scan, *cursor, "a start tag contains what is no attribute");
    if (equals == stop)
        return cut_short(scan, stop);
    if (*equals != '=')
        return malformed(scan, *cursor, "an attribute has no value");
    const char *quote = skip_space(equals + 1, stop);
    if (quote == stop)
        return cut_short(scan, stop);
    if (*quote != '"' && *quote != '\'')
        return malformed(scan, *cursor, "the value of an attribute is not in quotes");
    const char *value = quote + 1, *close = memchr(value, *quote, (size_t)(stop - value));
    if (!close)
        return cut_short(scan, stop);
    if (memchr(value, '<', (size_t)(close - value)))
        return malformed(scan, *cursor, "the value of an attribute contains a less-than sign");
    if (!check_references(scan, value, close) ||
        !count_word(scan, *cursor, (size_t)(after - *cursor)) ||
        (declares_namespace(*cursor, close) && !count_word(scan, value, (size_t)(close - value))))
        return false;
    *cursor = close + 1;
    return true;
}

/* Steps over all attributes; *cursor then stands at the end of the tag, > or /. */
static bool scan_attributes(struct scan *scan, const char **cursor, const char *stop,
                            uint32_t *declarations)
{
    for (size_t count = 0;; scan->attributes++) {
        const char *attribute = skip_space(*cursor, stop);
        if (attribute == stop)
            return cut_short(scan, stop);
        bool apart = attribute != *cursor;
        *cursor = attribute;
        if (*attribute == '>' || *attribute == '/')
            return true;
        if (!apart)
            return malformed(scan, attribute, "no space stands between two attributes");
        if (++count > scan->limits->attributes)
            return refuse(scan, scan->cursor, "xml.too-many-attributes",
                          "a start tag has more attributes than the limit allows");
        if (!scan_attribute(scan, cursor, stop))
            return false;
        *declarations += declares_namespace(attribute, *cursor);
    }
}

/* What a document may have in sum, so that neither memory nor canonicalisation runs away. One start
 * tag may always have as many attributes as its own limit says. */
static bool check_sums(struct scan *scan, uint32_t declarations)
{
    const struct mg_xml_limits *limits = scan->limits;
    size_t spread = limits->elements < SIZE_MAX - limits->attributes
                        ? limits->elements + limits->attributes
                        : SIZE_MAX;
    scan->work += (size_t)declarations * declarations;
    if (scan->attributes / ATTRIBUTES_FOR_EACH_ELEMENT > spread)
        return refuse(
            scan, scan->cursor, "xml.too-many-attributes",
            "the document has more attributes than the limit of elements allows; split it");
    if (scan->work / USUAL_DECLARATIONS / USUAL_DECLARATIONS > spread)
        return refuse(scan, scan->cursor, "xml.too-many-attributes",
                      "the document has too many namespace declarations for its many elements; "
                      "declare only the namespaces that are used");
    return true;
}

static bool enter_element(struct scan *scan)
{
    if (scan->closed)
        return malformed(scan, scan->cursor, "the document has more than one document element");
    if (scan->depth >= scan->limits->depth || scan->depth >= DEEPEST)
        return refuse(scan, scan->cursor, "xml.too-deep",
                      "elements are nested deeper than the limit allows");
    return count_node(scan);
}

static bool scan_start_tag(struct scan *scan)
{
    const char *begin = scan->cursor, *stop = scan->end;
    if ((size_t)(scan->end - begin) > scan->limits->start_tag)
        stop = begin + scan->limits->start_tag;
    const char *cursor = skip_name(begin + 1, stop);
    uint32_t declarations = scan->depth ? scan->declarations[scan->depth] : 0;
    if (cursor == begin + 1 || !begins_name(begin[1]))
        return malformed(scan, begin, "a less-than sign begins no markup; write it as &lt;");
    if (!enter_element(scan) || !count_word(scan, begin + 1, (size_t)(cursor - begin - 1)) ||
        !scan_attributes(scan, &cursor, stop, &declarations) || !check_sums(scan, declarations))
        return false;
    bool empty = *cursor == '/';
    cursor += empty;
    if (cursor == stop)
        return cut_short(scan, stop);
    if (*cursor != '>')
        return malformed(scan, begin, "a start tag contains a slash that does not end it");
    if (!empty)
        scan->declarations[++scan->depth] = declarations;
    scan->closed = scan->depth == 0;
    scan->text = 0;
    scan->cursor = cursor + 1;
    return true;
}

static bool scan_markup(struct scan *scan)
{
    if (scan->cursor + 1 == scan->end)
        return malformed(scan, scan->cursor, "the document ends inside a tag");
    switch (scan->cursor[1]) {
    case '/':
        return scan_end_tag(scan);
    case '?':
        return scan_instruction(scan);
    case '!':
        return scan_exclamation(scan);
    default:
        return scan_start_tag(scan);
    }
}

/* Steps over text up to the next markup. */
static bool scan_text(struct scan *scan)
{
    if (scan->depth == 0) {
        scan->cursor = skip_space(scan->cursor, scan->end);
        if (scan->cursor < scan->end && *scan->cursor != '<')
            return malformed(scan, scan->cursor, "text stands outside the document element");
        return true;
    }
    const char *next = memchr(scan->cursor, '<', (size_t)(scan->end - scan->cursor));
    if (!next)
        return malformed(scan, scan->end, "the document ends inside an element");
    size_t length = (size_t)(next - scan->cursor);
    if (!count_text(scan, length) || !count_space(scan, scan->cursor, length) ||
        !check_references(scan, scan->cursor, next))
        return false;
    scan->cursor = next;
    return true;
}

static bool scan_content(struct scan *scan)
{
    while (scan->cursor < scan->end) {
        if (!scan_text(scan))
            return false;
        if (scan->cursor < scan->end && !scan_markup(scan))
            return false;
    }
    if (scan->depth > 0)
        return malformed(scan, scan->end, "the document ends inside an element");
    if (!scan->closed)
        return malformed(scan, scan->end, "the document has no document element");
    return true;
}

/* A pseudo-attribute of the XML declaration: steps over it and says where its value stands. */
static bool take_pseudo_attribute(const char **cursor, const char *end, const char *name,
                                  const char **value, size_t *length)
{
    size_t name_length = strlen(name);
    const char *at = skip_space(*cursor, end);
    if (at == *cursor || (size_t)(end - at) <= name_length || memcmp(at, name, name_length) != 0)
        return false;
    at = skip_space(at + name_length, end);
    if (at == end || *at != '=')
        return false;
    at = skip_space(at + 1, end);
    if (at == end || (*at != '"' && *at != '\''))
        return false;
    const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
    if (!close)
        return false;
    *value = at + 1;
    *length = (size_t)(close - *value);
    *cursor = close + 1;
    return true;
}

static bool scan_declaration(struct scan *scan)
{
    const char *value, *begin = scan->cursor, *cursor = begin + 5;
    size_t length;
    if (!starts_with(scan, "<?xml", 5) || cursor == scan->end || !is_space(*cursor))
        return true;
    const char *close = memmem(cursor, (size_t)(scan->end - cursor), "?>", 2);
    if (!close)
        return malformed(scan, begin, "the XML declaration does not end");
    if (!take_pseudo_attribute(&cursor, close, "version", &value, &length) || length != 3 ||
        memcmp(value, "1.0", 3) != 0)
        return malformed(scan, begin, "the XML declaration does not begin with version 1.0");
    if (take_pseudo_attribute(&cursor, close, "encoding", &value, &length) &&
        (length != 5 || strncasecmp(value, "UTF-8", 5) != 0))
        return refuse(
            scan, begin, "xml.encoding",
            "the XML declaration names another encoding than UTF-8; convert the document");
    if (take_pseudo_attribute(&cursor, close, "standalone", &value, &length) &&
        !(length == 3 && memcmp(value, "yes", 3) == 0) &&
        !(length == 2 && memcmp(value, "no", 2) == 0))
        return malformed(scan, begin, "the XML declaration says standalone neither yes nor no");
    if (skip_space(cursor, close) != close)
        return malformed(scan, begin, "the XML declaration contains what does not belong there");
    scan->cursor = close + 2;
    return true;
}

/* The beginnings of documents in other encodings that appendix F of XML 1.0 lists; the others are
 * no valid UTF-8. */
static bool is_foreign(const char *bytes, size_t length)
{
    return length >= 4 &&
           (memcmp(bytes, "\x00<", 2) == 0 || memcmp(bytes, "<\x00", 2) == 0 ||
            memcmp(bytes, "\x00\x00\x00<", 4) == 0 || memcmp(bytes, "\x00\x00\xFE\xFF", 4) == 0);
}

static bool scan_encoding(struct scan *scan)
{
    static const char sentence[] = "the document is not encoded in UTF-8; convert it";
    size_t length = (size_t)(scan->end - scan->begin);
    const char *where;
    if (is_foreign(scan->begin, length))
        return refuse(scan, scan->begin, "xml.encoding", sentence);
    switch (mg_characters_check(scan->begin, length, &where)) {
    case MG_CHARACTERS_NOT_UTF8:
        return refuse(scan, where, "xml.encoding", sentence);
    case MG_CHARACTERS_NOT_XML:
        return malformed(scan, where, "the document contains a character that XML does not admit");
    case MG_CHARACTERS_GOOD:
        break;
    }
    if (starts_with(scan, "\xEF\xBB\xBF", 3))
        scan->cursor += 3;
    return true;
}

bool mg_xml_scan(const char *bytes, size_t length, const struct mg_xml_limits *limits,
                 struct mg_error *error)
{
    struct scan scan;
    scan.begin = scan.cursor = bytes;
    scan.end = bytes + length;
    scan.limits = limits;
    scan.error = error;
    scan.depth = scan.nodes = scan.attributes = scan.text = scan.work = scan.words = 0;
    scan.different = NULL;
    scan.closed = false;
    /* libxml2 counts bytes in an int. */
    if (length > limits->size || length > INT_MAX)
        return refuse(&scan, bytes, "xml.too-large",
                      "the document is larger than the limit allows; hand in large content as an "
                      "attachment");
    if (length == 0)
        return malformed(&scan, bytes, "the document is empty");
    bool good = scan_encoding(&scan) && scan_declaration(&scan) && scan_content(&scan);
    mg_xml_words_free(scan.different);
    return good;
}
