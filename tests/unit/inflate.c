#include "gateway/message/inflate.h"

#include "tests/unit/unit.h"

#include <string.h>
#include <zlib.h>

/* Packs content as one gzip member, or with another wrapping if windows says so. */
static void pack(const char *content, size_t length, int windows, struct mg_buffer *packed)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, 9, Z_DEFLATED, windows, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        CU_FAIL_FATAL("deflateInit2");
    size_t bound = deflateBound(&stream, length);
    stream.next_in = (unsigned char *)content;
    stream.avail_in = (unsigned)length;
    stream.next_out = (unsigned char *)mg_buffer_reserve(packed, bound);
    stream.avail_out = (unsigned)bound;
    CU_ASSERT_EQUAL_FATAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
    mg_buffer_used(packed, bound - stream.avail_out);
    deflateEnd(&stream);
}

static void pack_gzip(const char *content, size_t length, struct mg_buffer *packed)
{
    pack(content, length, 16 + MAX_WBITS, packed);
}

static void expect_refusal(const struct mg_buffer *packed, size_t length, size_t limit,
                           const char *code)
{
    struct mg_buffer plain = {.limit = limit};
    struct mg_error error = {0};
    CU_ASSERT_FALSE(mg_inflate(packed->data, length, &plain, &error));
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT_EQUAL(plain.length, 0);
    CU_ASSERT(plain.capacity <= 2 * limit + 65536);
    mg_buffer_free(&plain);
}

static void what_was_packed_comes_back(void)
{
    struct mg_buffer content = {0}, packed = {0}, plain = {.limit = 1000000};
    for (int i = 0; i < 20000; i++)
        mg_buffer_print(&content, "%d,", i * i);
    pack_gzip(content.data, content.length, &packed);
    CU_ASSERT(mg_inflate(packed.data, packed.length, &plain, NULL));
    CU_ASSERT_EQUAL_FATAL(plain.length, content.length);
    CU_ASSERT(memcmp(plain.data, content.data, content.length) == 0);
    mg_buffer_free(&content);
    mg_buffer_free(&packed);
    mg_buffer_free(&plain);
}

static void nothing_can_be_packed_too(void)
{
    struct mg_buffer packed = {0}, plain = {.limit = 10};
    pack_gzip("", 0, &packed);
    CU_ASSERT(mg_inflate(packed.data, packed.length, &plain, NULL));
    CU_ASSERT_EQUAL(plain.length, 0);
    mg_buffer_free(&packed);
    mg_buffer_free(&plain);
}

static void content_of_exactly_the_limit_passes_and_one_byte_more_does_not(void)
{
    /* Around the size of a piece and of a buffer's growth, where an error by one would hide. */
    static const size_t sizes[] = {1, 255, 256, 16383, 16384, 16385, 32768, 100000};
    static char content[100000];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct mg_buffer packed = {0}, plain = {.limit = sizes[i]};
        pack_gzip(content, sizes[i], &packed);
        CU_ASSERT(mg_inflate(packed.data, packed.length, &plain, NULL));
        CU_ASSERT_EQUAL(plain.length, sizes[i]);
        if (sizes[i] > 1)
            expect_refusal(&packed, packed.length, sizes[i] - 1, "gzip.too-large");
        mg_buffer_free(&packed);
        mg_buffer_free(&plain);
    }
}

static void a_bomb_is_refused_without_the_memory_it_asks_for(void)
{
    struct mg_buffer content = {0}, packed = {0};
    const size_t length = unit_amount(64U << 20, 8U << 20);
    memset(mg_buffer_reserve(&content, length), 'a', length);
    mg_buffer_used(&content, length);
    pack_gzip(content.data, content.length, &packed);
    mg_buffer_free(&content);
    CU_ASSERT(packed.length < 100000);
    expect_refusal(&packed, packed.length, 1U << 20, "gzip.too-large");
    mg_buffer_free(&packed);
}

static void every_truncation_is_malformed(void)
{
    struct mg_buffer packed = {0};
    pack_gzip("<a>some content</a>", 19, &packed);
    for (size_t length = 0; length < packed.length; length++)
        expect_refusal(&packed, length, 1000, "gzip.malformed");
    mg_buffer_free(&packed);
}

static void anything_behind_the_member_is_malformed(void)
{
    struct mg_buffer packed = {0}, twice = {0};
    pack_gzip("<a/>", 4, &packed);
    mg_buffer_add(&twice, packed.data, packed.length);
    mg_buffer_add(&twice, packed.data, packed.length);
    expect_refusal(&twice, twice.length, 1000, "gzip.malformed");
    mg_buffer_add(&packed, "", 1);
    expect_refusal(&packed, packed.length, 1000, "gzip.malformed");
    mg_buffer_free(&packed);
    mg_buffer_free(&twice);
}

static void a_wrong_checksum_is_malformed(void)
{
    struct mg_buffer packed = {0};
    pack_gzip("<a>some content</a>", 19, &packed);
    packed.data[packed.length - 8] ^= 1;
    expect_refusal(&packed, packed.length, 1000, "gzip.malformed");
    mg_buffer_free(&packed);
}

static void other_packings_than_gzip_are_malformed(void)
{
    struct mg_buffer zlib = {0}, raw = {0}, plain = {0};
    pack("<a>some content</a>", 19, MAX_WBITS, &zlib);
    pack("<a>some content</a>", 19, -MAX_WBITS, &raw);
    mg_buffer_add_text(&plain, "<a>some content</a>");
    expect_refusal(&zlib, zlib.length, 1000, "gzip.malformed");
    expect_refusal(&raw, raw.length, 1000, "gzip.malformed");
    expect_refusal(&plain, plain.length, 1000, "gzip.malformed");
    mg_buffer_free(&zlib);
    mg_buffer_free(&raw);
    mg_buffer_free(&plain);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_was_packed_comes_back),
        UNIT_TEST(nothing_can_be_packed_too),
        UNIT_TEST(content_of_exactly_the_limit_passes_and_one_byte_more_does_not),
        UNIT_TEST(a_bomb_is_refused_without_the_memory_it_asks_for),
        UNIT_TEST(every_truncation_is_malformed),
        UNIT_TEST(anything_behind_the_member_is_malformed),
        UNIT_TEST(a_wrong_checksum_is_malformed),
        UNIT_TEST(other_packings_than_gzip_are_malformed),
    };
    return unit_run("inflate", tests, sizeof tests / sizeof *tests);
}
