#include "gateway/base/buffer.h"
#include "gateway/message/xml.h"
#include "tests/unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

static struct mg_error error;

static bool scans(const char *text, size_t length)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    return mg_xml_scan(text, length, &limits, &error);
}

static bool parses(const char *text)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(text, strlen(text), &limits, &error);
    xmlFreeDoc(document);
    return document != NULL;
}

static const char *const defined[] = {"&lt;&gt;&amp;&quot;&apos;", "&#65;&#x41;&#x1F600;", ""};
static const char *const undefined[] = {"&secret;", "&secret", "&",     "&;",  "&#;",  "&#x;",
                                        "&#65",     "&#a;",    "&#X4;", "&lt", "&LT;", "&# 65;"};

static void expect_malformed(const char *text)
{
    CU_ASSERT_FALSE(scans(text, strlen(text)));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.malformed");
    CU_ASSERT_STRING_EQUAL(error.place, "line 3");
    CU_ASSERT_PTR_NULL(strstr(error.text, "secret"));
}

static void a_reference_that_xml_does_not_define_is_malformed_before_the_parser(void)
{
    char text[128];
    for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++) {
        snprintf(text, sizeof text, "<a>\n\n%s</a>", undefined[i]);
        expect_malformed(text);
        snprintf(text, sizeof text, "<a>\n\n<b c='%s'/></a>", undefined[i]);
        expect_malformed(text);
    }
    for (size_t i = 0; i < sizeof defined / sizeof *defined; i++) {
        snprintf(text, sizeof text, "<a b='%s'>%s</a>", defined[i], defined[i]);
        CU_ASSERT(parses(text));
    }
}

static void what_looks_like_a_reference_where_none_can_be_is_none(void)
{
    char text[128];
    for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++) {
        snprintf(text, sizeof text, "<a><!--%s--><![CDATA[%s]]><?p %s?></a>", undefined[i],
                 undefined[i], undefined[i]);
        CU_ASSERT(parses(text));
    }
}

/* A document of so many pieces, each with its number in the place of #. */
static bool scans_numbered(const char *piece, unsigned count)
{
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<r>");
    for (unsigned i = 0; i < count; i++)
        for (const char *at = piece; *at; at++) {
            if (*at == '#')
                mg_buffer_print(&document, "%u", i);
            else
                mg_buffer_add(&document, at, 1);
        }
    mg_buffer_add_text(&document, "</r>");
    bool scanned = scans(document.data, document.length);
    mg_buffer_free(&document);
    return scanned;
}

static void many_different_names_are_refused_before_the_parser_remembers_them(void)
{
    static const char *const different[] = {"<a#></a#>", "<a b#=''/>", "<a xmlns='u:#'/>",
                                            "<a xmlns:b#='u'/>", "<?a# ?>"};
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        CU_ASSERT(scans_numbered(different[i], 4000));
        CU_ASSERT_FALSE(scans_numbered(different[i], 20000));
        CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-names");
    }
}

static void the_same_names_are_admitted_as_often_as_the_elements_are(void)
{
    static const char *const same[] = {"<a b='#'>#</a>\n", "<!--#--><a xmlns='u'/> ", "<?a #?>"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CU_ASSERT(scans_numbered(same[i], 60000));
}

static void many_kinds_of_white_space_between_tags_are_refused_likewise(void)
{
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<r>");
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned bit = 0; bit < 16; bit++)
            mg_buffer_add_text(&document, i >> bit & 1 ? "\t" : " ");
        mg_buffer_add_text(&document, "<a/>");
    }
    mg_buffer_add_text(&document, "</r>");
    CU_ASSERT_FALSE(scans(document.data, document.length));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-names");
    mg_buffer_free(&document);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_reference_that_xml_does_not_define_is_malformed_before_the_parser),
        UNIT_TEST(what_looks_like_a_reference_where_none_can_be_is_none),
        UNIT_TEST(many_different_names_are_refused_before_the_parser_remembers_them),
        UNIT_TEST(the_same_names_are_admitted_as_often_as_the_elements_are),
        UNIT_TEST(many_kinds_of_white_space_between_tags_are_refused_likewise),
    };
    xmlInitParser();
    return unit_run("xml-words", tests, sizeof tests / sizeof *tests);
}
