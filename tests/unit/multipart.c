#include "gateway/message/multipart.h"

#include "tests/unit/unit.h"

#include <string.h>

#define TYPE "multipart/related; boundary=b"

static struct mg_multipart multipart;
static struct mg_error error;

static bool read_text(const char *content_type, const char *body)
{
    error = (struct mg_error){0};
    return mg_multipart_read(content_type, body, strlen(body), &multipart, &error);
}

static void expect_refusal_of_type(const char *content_type, const char *body, const char *code)
{
    CU_ASSERT_FALSE(read_text(content_type, body));
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT(error.text[0] != '\0');
}

static void expect_refusal(const char *body, const char *code)
{
    expect_refusal_of_type(TYPE, body, code);
}

static bool part_is(size_t index, const char *content)
{
    const struct mg_part *part = &multipart.parts[index];
    return part->length == strlen(content) && memcmp(part->bytes, content, part->length) == 0;
}

static void a_document_and_its_signature_are_two_parts(void)
{
    CU_ASSERT_FATAL(read_text("Multipart/Related; type=\"application/xml\"; BOUNDARY=\"b 1\"",
                              "--b 1\r\n"
                              "Content-Type: Application/XML; charset=UTF-8\r\n"
                              "content-id: <document@city>\r\n"
                              "Content-Transfer-Encoding: 8Bit\r\n"
                              "\r\n"
                              "<a>\r\n--b</a>\r\n"
                              "--b 1\r\n"
                              "CONTENT-TYPE:application/pkcs7-signature\r\n"
                              "Content-Disposition: attachment; filename=\"a \\\"b\\\".p7s\"\r\n"
                              "X-Else: anything\r\n"
                              "\r\n"
                              "\r\n--b 1--\r\n"));
    CU_ASSERT_EQUAL(multipart.count, 2);
    CU_ASSERT_EQUAL(multipart.root, 0);
    CU_ASSERT(part_is(0, "<a>\r\n--b</a>"));
    CU_ASSERT_STRING_EQUAL(multipart.parts[0].media_type, "application/xml");
    CU_ASSERT_STRING_EQUAL(multipart.parts[0].content_id, "document@city");
    CU_ASSERT_STRING_EQUAL(multipart.parts[0].name, "");
    CU_ASSERT(part_is(1, ""));
    CU_ASSERT_STRING_EQUAL(multipart.parts[1].media_type, "application/pkcs7-signature");
    CU_ASSERT_STRING_EQUAL(multipart.parts[1].name, "a \"b\".p7s");
}

static void a_part_without_headers_is_plain_text(void)
{
    CU_ASSERT_FATAL(read_text(TYPE, "\r\n \r\n--b\r\n\r\ntext\r\n--b--"));
    CU_ASSERT(part_is(0, "text"));
    CU_ASSERT_STRING_EQUAL(multipart.parts[0].media_type, "text/plain");
}

static void the_parameter_start_names_the_root(void)
{
    static const char body[] = "--b\r\nContent-ID: <one>\r\n\r\n1\r\n"
                               "--b\r\nContent-ID: <two>\r\n\r\n2\r\n--b--\r\n";
    CU_ASSERT(read_text("multipart/related;boundary=b ; start=\"<two>\"", body));
    CU_ASSERT_EQUAL(multipart.root, 1);
    expect_refusal_of_type("multipart/related;boundary=b;start=\"<three>\"", body,
                           "multipart.start");
    expect_refusal_of_type("multipart/related;boundary=b;start=two", body, "multipart.start");
    expect_refusal_of_type("multipart/related;boundary=b;start=\"<one>\";start=\"<two>\"", body,
                           "multipart.start");
}

static void only_multipart_related_is_recognised(void)
{
    CU_ASSERT(mg_multipart_is("multipart/related; boundary=b"));
    CU_ASSERT(mg_multipart_is(" MULTIPART/Related"));
    CU_ASSERT_FALSE(mg_multipart_is("multipart/mixed; boundary=b"));
    CU_ASSERT_FALSE(mg_multipart_is("multipart/relatedx; boundary=b"));
    CU_ASSERT_FALSE(mg_multipart_is("multipart/related boundary=b"));
    CU_ASSERT_FALSE(mg_multipart_is("application/xml"));
    CU_ASSERT_FALSE(mg_multipart_is(""));
    expect_refusal_of_type("application/xml", "--b\r\n\r\n\r\n--b--", "multipart.malformed");
}

static void a_boundary_must_be_one_that_rfc_2046_allows(void)
{
    static const char body[] = "--b\r\n\r\n1\r\n--b--";
    static const char *const types[] = {
        "multipart/related",
        "multipart/related; boundary",
        "multipart/related; boundary=",
        "multipart/related; boundary=\"\"",
        "multipart/related; boundary=\"b",
        "multipart/related; boundary=\"b \"",
        "multipart/related; boundary=\"b\r\n\"",
        "multipart/related; boundary=\"b<\"",
        "multipart/related; boundary=b; boundary=b",
        "multipart/related; boundary=b;",
        "multipart/related; boundary=b, c",
        ("multipart/related; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901"),
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        expect_refusal_of_type(types[i], body, "multipart.boundary");
}

static void a_boundary_may_have_seventy_characters(void)
{
#define SEVENTY "1234567890123456789012345678901234567890123456789012345678901234567890"
    CU_ASSERT(read_text("multipart/related; boundary=" SEVENTY,
                        "--" SEVENTY "\r\n\r\n1\r\n--" SEVENTY "--"));
    CU_ASSERT(part_is(0, "1"));
}

static void what_is_not_framed_by_the_boundary_is_malformed(void)
{
    static const char *const bodies[] = {
        "",
        "--b",
        "--b--",
        "--b\r\n",
        "--b\r\n--b--",
        "--b\r\n\r\n1",
        "--b\r\n\r\n1\r\n--b",
        "--b\r\n\r\n1\r\n--b\r\n",
        "--b\r\n\r\n1\r\n--b-",
        "--b\r\n\r\n1--b--",
        "--b\r\n\r\n1\n--b--",
        "--b\n\n1\n--b--",
        "--bc\r\n\r\n1\r\n--b--",
        "--b\r\n\r\n1\r\n--bc\r\n\r\n2\r\n--b--",
        "--b\r\n\r\n1\r\n--b--epilogue",
        "preamble\r\n--b\r\n\r\n1\r\n--b--",
        " --b\r\n\r\n1\r\n--b--",
        "--b \r\n\r\n1\r\n--b--",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect_refusal(bodies[i], "multipart.malformed");
}

static void bad_headers_of_a_part_are_malformed(void)
{
    static const char *const headers[] = {
        "no colon",
        "Content-Type : text/plain",
        ": empty",
        "Content-Type: text",
        "Content-Type: text/",
        "Content-Type: text/plain; charset",
        "Content-Type: text/plain\r\n folded: 1",
        "Content-Type: text/plain\r\nContent-Type: text/plain",
        "X: bare\rreturn",
        "X: bare\nfeed",
        "X: bell\a",
        "Content-ID: without brackets",
        "Content-ID: <>",
        "Content-ID: <a b>",
        "Content-ID: <a\xC3\xA4>",
        "Content-ID: <a>\r\nContent-ID: <b>",
        "Content-Disposition: ; filename=a",
        "Content-Disposition: attachment; filename",
        "Content-Disposition: attachment\r\nContent-Disposition: attachment",
        "Content-Disposition: attachment; filename=a; filename=b",
        "Content-Disposition: attachment; filename=\"../a\"",
        "Content-Disposition: attachment; filename=\"a\\\\b\"",
        "Content-Disposition: attachment; filename=\"..\"",
        "Content-Disposition: attachment; filename=\"\"",
        "Content-Disposition: attachment; filename=\"a\xFF\"",
    };
    char body[512];
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        snprintf(body, sizeof body, "--b\r\n%s\r\n\r\n1\r\n--b--", headers[i]);
        expect_refusal(body, "multipart.malformed");
        CU_ASSERT_STRING_EQUAL(error.place, "part 1");
    }
}

static void a_transfer_encoding_that_changes_bytes_is_refused(void)
{
    expect_refusal("--b\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b--",
                   "multipart.encoding");
    expect_refusal("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n1\r\n--b--",
                   "multipart.encoding");
    expect_refusal("--b\r\nContent-Transfer-Encoding: binary\r\n"
                   "Content-Transfer-Encoding: binary\r\n\r\n1\r\n--b--",
                   "multipart.encoding");
    CU_ASSERT(read_text(TYPE, "--b\r\nContent-Transfer-Encoding: BINARY\r\n\r\n1\r\n--b--"));
    CU_ASSERT(read_text(TYPE, "--b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n1\r\n--b--"));
}

static void two_parts_never_share_a_content_id(void)
{
    expect_refusal("--b\r\nContent-ID: <a>\r\n\r\n1\r\n--b\r\nContent-ID: <a>\r\n\r\n2\r\n--b--",
                   "multipart.malformed");
}

static void names_and_ids_that_do_not_fit_are_refused(void)
{
    char body[1024], filler[300];
    memset(filler, 'x', sizeof filler);
    snprintf(body, sizeof body, "--b\r\nContent-ID: <%.255s>\r\n\r\n1\r\n--b--", filler);
    CU_ASSERT(read_text(TYPE, body));
    snprintf(body, sizeof body, "--b\r\nContent-ID: <%.256s>\r\n\r\n1\r\n--b--", filler);
    expect_refusal(body, "multipart.malformed");
    snprintf(body, sizeof body,
             "--b\r\nContent-Disposition: attachment; filename=%.255s\r\n\r\n1\r\n--b--", filler);
    CU_ASSERT(read_text(TYPE, body));
    snprintf(body, sizeof body,
             "--b\r\nContent-Disposition: attachment; filename=%.256s\r\n\r\n1\r\n--b--", filler);
    expect_refusal(body, "multipart.malformed");
    snprintf(body, sizeof body, "--b\r\nContent-Type: x/%.125s\r\n\r\n1\r\n--b--", filler);
    CU_ASSERT(read_text(TYPE, body));
    snprintf(body, sizeof body, "--b\r\nContent-Type: x/%.126s\r\n\r\n1\r\n--b--", filler);
    expect_refusal(body, "multipart.malformed");
}

static void headers_of_a_part_have_two_kibibytes_at_most(void)
{
    /* "X: ", line end and empty line count too. */
    char body[4096], filler[2048];
    memset(filler, 'x', sizeof filler);
    snprintf(body, sizeof body, "--b\r\nX: %.2041s\r\n\r\n1\r\n--b--", filler);
    CU_ASSERT(read_text(TYPE, body));
    snprintf(body, sizeof body, "--b\r\nX: %.2042s\r\n\r\n1\r\n--b--", filler);
    expect_refusal(body, "multipart.malformed");
}

static void a_body_has_66_parts_at_most(void)
{
    struct mg_buffer body = {0};
    for (int i = 0; i < MG_MULTIPART_PARTS; i++)
        mg_buffer_add_text(&body, "--b\r\n\r\n1\r\n");
    size_t length = body.length;
    mg_buffer_add_text(&body, "--b--");
    CU_ASSERT(read_text(TYPE, body.data));
    CU_ASSERT_EQUAL(multipart.count, 66);
    body.length = length;
    mg_buffer_add_text(&body, "--b\r\n\r\n1\r\n--b--");
    expect_refusal(body.data, "multipart.too-many-parts");
    mg_buffer_free(&body);
}

static void content_may_be_any_bytes(void)
{
    static const char body[] = "--b\r\n\r\n\0\r\n--\0\r\n--b--";
    CU_ASSERT_FATAL(mg_multipart_read(TYPE, body, sizeof body - 1, &multipart, &error));
    CU_ASSERT_EQUAL(multipart.parts[0].length, 6);
    CU_ASSERT(memcmp(multipart.parts[0].bytes, "\0\r\n--\0", 6) == 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_document_and_its_signature_are_two_parts),
        UNIT_TEST(a_part_without_headers_is_plain_text),
        UNIT_TEST(the_parameter_start_names_the_root),
        UNIT_TEST(only_multipart_related_is_recognised),
        UNIT_TEST(a_boundary_must_be_one_that_rfc_2046_allows),
        UNIT_TEST(a_boundary_may_have_seventy_characters),
        UNIT_TEST(what_is_not_framed_by_the_boundary_is_malformed),
        UNIT_TEST(bad_headers_of_a_part_are_malformed),
        UNIT_TEST(a_transfer_encoding_that_changes_bytes_is_refused),
        UNIT_TEST(two_parts_never_share_a_content_id),
        UNIT_TEST(names_and_ids_that_do_not_fit_are_refused),
        UNIT_TEST(headers_of_a_part_have_two_kibibytes_at_most),
        UNIT_TEST(a_body_has_66_parts_at_most),
        UNIT_TEST(content_may_be_any_bytes),
    };
    return unit_run("multipart", tests, sizeof tests / sizeof *tests);
}
