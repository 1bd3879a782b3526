#include "gateway/isolation/channel.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT 100

/* A frame with these two lengths, a header and content. */
static size_t make(char *bytes, size_t header_length, size_t content_length, const char *rest)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (char)(header_length >> (24 - 8 * i));
        bytes[4 + i] = (char)(content_length >> (24 - 8 * i));
    }
    memcpy(bytes + MG_FRAME_PREFIX, rest, strlen(rest));
    return MG_FRAME_PREFIX + strlen(rest);
}

static enum mg_frame_progress read_header(const char *header, struct mg_frame *frame)
{
    static char bytes[70000];
    size_t needed, length = make(bytes, strlen(header), 0, header);
    return mg_frame_read(bytes, length, LIMIT, frame, &needed);
}

/* ---- reading ---- */

static void a_frame_is_read_only_when_it_is_whole(void)
{
    char bytes[256];
    struct mg_frame frame;
    size_t needed, length = make(bytes, 16, 3, "{\"type\":\"dance\"}xyz");
    for (size_t cut = 0; cut < length; cut++) {
        CU_ASSERT_EQUAL(mg_frame_read(bytes, cut, LIMIT, &frame, &needed), MG_FRAME_MORE);
        CU_ASSERT_EQUAL(needed, cut < MG_FRAME_PREFIX ? MG_FRAME_PREFIX : length);
    }
    CU_ASSERT_EQUAL(mg_frame_read(bytes, length, LIMIT, &frame, &needed), MG_FRAME_READY);
    CU_ASSERT_STRING_EQUAL(frame.type, "dance");
    CU_ASSERT(frame.size == length && frame.length == 3 && memcmp(frame.content, "xyz", 3) == 0);
    mg_frame_free(&frame);
}

static void a_length_that_cannot_be_is_refused_from_its_eight_bytes(void)
{
    static const struct {
        size_t header, content;
    } lies[] = {{0, 0}, {1, 0}, {65537, 0}, {0xffffffff, 0}, {20, LIMIT + 1}, {20, 0xffffffff}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        char bytes[16];
        struct mg_frame frame;
        size_t needed;
        make(bytes, lies[i].header, lies[i].content, "");
        CU_ASSERT_EQUAL(mg_frame_read(bytes, MG_FRAME_PREFIX, LIMIT, &frame, &needed),
                        MG_FRAME_WRONG);
        CU_ASSERT_STRING_EQUAL(frame.error.code, "adapter.frame");
    }
}

static void a_header_that_is_no_object_with_a_type_is_refused(void)
{
    static const char *const headers[] = {
        "[]",
        "{}",
        "{\"type\":1}",
        "{\"type\":\"a\"",
        "{\"type\":\"a\"}}",
        "{\"type\":\"a\",\"type\":\"b\"}",
        "{\"type\":\"\xff\"}",
        "{\"type\":\"a\\u0000b\"}",
        "{type:\"a\"}",
        "  ",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct mg_frame frame;
        CU_ASSERT_EQUAL(read_header(headers[i], &frame), MG_FRAME_WRONG);
        CU_ASSERT_STRING_EQUAL(frame.error.code, "adapter.frame");
    }
}

static void a_header_that_nests_without_end_is_refused(void)
{
    static char header[60000];
    struct mg_frame frame;
    memset(header, '[', sizeof header - 1);
    memcpy(header, "{\"type\":\"a\",\"x\":", 16);
    CU_ASSERT_EQUAL(read_header(header, &frame), MG_FRAME_WRONG);
}

static void members_of_another_kind_make_a_frame_wrong_and_missing_ones_do_not(void)
{
    struct mg_frame frame;
    CU_ASSERT_EQUAL_FATAL(
        read_header("{\"type\":\"a\",\"text\":\"t\",\"number\":7,\"truth\":true,\"none\":null}",
                    &frame),
        MG_FRAME_READY);
    CU_ASSERT_STRING_EQUAL(mg_frame_text(&frame, NULL, "text"), "t");
    CU_ASSERT_EQUAL(mg_frame_number(&frame, NULL, "number", 1), 7);
    CU_ASSERT_EQUAL(mg_frame_number(&frame, NULL, "missing", 1), 1);
    CU_ASSERT(mg_frame_truth(&frame, NULL, "truth") && !mg_frame_truth(&frame, NULL, "missing"));
    CU_ASSERT_PTR_NULL(mg_frame_text(&frame, NULL, "missing"));
    CU_ASSERT(!frame.wrong);
    CU_ASSERT_STRING_EQUAL(mg_frame_need_text(&frame, NULL, "missing"), "");
    CU_ASSERT(frame.wrong && strstr(frame.error.text, "missing"));
    static const char *const others[] = {"text", "number", "truth", "none"};
    for (size_t i = 0; i < 4; i++) {
        frame.wrong = false;
        i == 0 ? (void)mg_frame_number(&frame, NULL, "text", 0)
               : (void)mg_frame_text(&frame, NULL, others[i]);
        CU_ASSERT(frame.wrong && strcmp(frame.error.code, "adapter.frame") == 0);
    }
    mg_frame_free(&frame);
}

static void numbers_are_whole_and_below_2_to_the_53(void)
{
    static const char *const wrong[] = {"1.5", "1e3", "9007199254740992", "-9007199254740992"};
    for (size_t i = 0; i < 4; i++) {
        char header[80];
        struct mg_frame frame;
        snprintf(header, sizeof header, "{\"type\":\"a\",\"number\":%s}", wrong[i]);
        CU_ASSERT_EQUAL_FATAL(read_header(header, &frame), MG_FRAME_READY);
        mg_frame_number(&frame, NULL, "number", 0);
        CU_ASSERT(frame.wrong);
        mg_frame_free(&frame);
    }
}

/* ---- writing ---- */

static void what_is_written_is_read_the_same(void)
{
    struct mg_buffer buffer = {0};
    struct mg_frame_writer writer;
    struct mg_frame frame;
    size_t needed;
    static const char text[] =
        "quote\" back\\ line\n \x01 \xc3\xbc \xe2\x82\xac \xf0\x9f\x8c\x89 \x7f";
    mg_frame_begin(&writer, &buffer, "kind");
    mg_frame_put_text(&writer, "text", text);
    mg_frame_put_text(&writer, "nothing", NULL);
    mg_frame_put_number(&writer, "number", -5);
    mg_frame_put_open(&writer, "list", '[');
    mg_frame_put_open(&writer, NULL, '{');
    mg_frame_put_truth(&writer, "truth", true);
    mg_frame_put_close(&writer, '}');
    mg_frame_put_text(&writer, NULL, "second");
    mg_frame_put_close(&writer, ']');
    mg_frame_put_content(&writer, "one", 3);
    mg_frame_put_content(&writer, "two", 3);
    CU_ASSERT_TRUE_FATAL(mg_frame_end(&writer, LIMIT));
    CU_ASSERT_EQUAL_FATAL(mg_frame_read(buffer.data, buffer.length, LIMIT, &frame, &needed),
                          MG_FRAME_READY);
    CU_ASSERT_STRING_EQUAL(frame.type, "kind");
    CU_ASSERT_STRING_EQUAL(mg_frame_text(&frame, NULL, "text"), text);
    CU_ASSERT_EQUAL(mg_frame_number(&frame, NULL, "number", 0), -5);
    const json_t *list = mg_frame_array(&frame, NULL, "list");
    CU_ASSERT_EQUAL(json_array_size(list), 2);
    CU_ASSERT(mg_frame_truth(&frame, json_array_get(list, 0), "truth"));
    CU_ASSERT(frame.length == 6 && memcmp(frame.content, "onetwo", 6) == 0 && !frame.wrong);
    mg_frame_free(&frame);
    mg_buffer_free(&buffer);
}

static void bytes_that_are_no_utf_8_are_written_as_iso_8859_1(void)
{
    static const char *const texts[][2] = {
        {"M\xfcngsten", "M\xc3\xbcngsten"},
        {"\xc3", "\xc3\x83"},
        {"\xed\xa0\x80", "\xc3\xad\xc2\xa0\xc2\x80"},
        {"\xc0\xaf", "\xc3\x80\xc2\xaf"},
        {"\xf4\x90\x80\x80", "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct mg_buffer buffer = {0};
        struct mg_frame_writer writer;
        struct mg_frame frame;
        size_t needed;
        mg_frame_begin(&writer, &buffer, "kind");
        mg_frame_put_text(&writer, "text", texts[i][0]);
        CU_ASSERT(mg_frame_end(&writer, LIMIT));
        CU_ASSERT_EQUAL_FATAL(mg_frame_read(buffer.data, buffer.length, LIMIT, &frame, &needed),
                              MG_FRAME_READY);
        CU_ASSERT_STRING_EQUAL(mg_frame_text(&frame, NULL, "text"), texts[i][1]);
        mg_frame_free(&frame);
        mg_buffer_free(&buffer);
    }
}

static void a_frame_that_is_too_long_is_taken_out_again(void)
{
    struct mg_buffer buffer = {0};
    struct mg_frame_writer writer;
    static char long_text[MG_FRAME_HEADER_LIMIT + 1];
    memset(long_text, 'x', sizeof long_text - 1);
    mg_buffer_add_text(&buffer, "before");
    mg_frame_begin(&writer, &buffer, "kind");
    mg_frame_put_text(&writer, "text", long_text);
    CU_ASSERT(!mg_frame_end(&writer, LIMIT));
    mg_frame_begin(&writer, &buffer, "kind");
    mg_frame_put_content(&writer, long_text, LIMIT + 1);
    CU_ASSERT(!mg_frame_end(&writer, LIMIT));
    CU_ASSERT(buffer.length == 6 && memcmp(buffer.data, "before", 6) == 0);
    mg_buffer_free(&buffer);
}

/* ---- channels ---- */

struct end {
    struct mg_channel *channel;
    int frames, ends;
    bool broken, answered;
    char order[64];
    size_t bytes;
    void (*on_first)(struct end *end);
};

static bool wants_answers(const struct mg_frame *frame)
{
    return strcmp(frame->type, "answer") == 0;
}

static bool is_answered(void *context)
{
    return ((const struct end *)context)->answered;
}

static void on_frame(struct mg_frame *frame, void *context)
{
    struct end *end = context;
    size_t length = strlen(end->order);
    end->frames++;
    end->bytes += frame->length;
    if (length < sizeof end->order - 1) {
        end->order[length] = frame->type[0];
        end->order[length + 1] = '\0';
    }
    if (wants_answers(frame))
        end->answered = true;
    if (strcmp(frame->type, "first") == 0 && end->on_first) {
        char copy[4];
        memcpy(copy, frame->content, sizeof copy);
        end->on_first(end);
        /* Reading on inside has moved nothing that this frame points to. */
        CU_ASSERT_EQUAL(memcmp(copy, frame->content, sizeof copy), 0);
        CU_ASSERT_STRING_EQUAL(frame->type, "first");
    }
}

static void on_end(const struct mg_error *error, void *context)
{
    struct end *end = context;
    end->ends++;
    end->broken = error != NULL;
}

static const struct mg_channel_events events = {.on_frame = on_frame, .on_end = on_end};

static void open_pair(struct event_base *base, struct end *left, struct end *right)
{
    int sockets[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    *left = *right = (struct end){.frames = 0};
    left->channel = mg_channel_new(base, sockets[0], sockets[0], 1 << 20, &events, left);
    right->channel = mg_channel_new(base, sockets[1], sockets[1], 1 << 20, &events, right);
}

static void send_kind(struct end *end, const char *type, size_t content)
{
    static const char bytes[500000];
    mg_frame_put_content(mg_channel_begin(end->channel, type), bytes, content);
    CU_ASSERT(mg_channel_send(end->channel));
}

static void loop(struct event_base *base, int rounds)
{
    for (int i = 0; i < rounds; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

static void many_frames_of_every_size_come_whole_and_in_order(void)
{
    struct event_base *base = event_base_new();
    struct end left, right;
    size_t sent = 0;
    open_pair(base, &left, &right);
    for (size_t i = 0; i < 3000; i++) {
        size_t size = i % 500 == 0 ? 500000 : i % 7 * 100;
        send_kind(&left, "x", size);
        sent += size;
    }
    for (int i = 0; i < 10000 && right.frames < 3000; i++)
        loop(base, 1);
    CU_ASSERT(right.frames == 3000 && right.bytes == sent);
    CU_ASSERT_EQUAL(mg_channel_waiting(left.channel), 0);
    mg_channel_free(left.channel);
    loop(base, 3);
    CU_ASSERT(right.ends == 1 && !right.broken);
    mg_channel_free(right.channel);
    event_base_free(base);
}

static void ask_inside(struct end *end)
{
    CU_ASSERT(mg_channel_wait(end->channel, wants_answers, is_answered, end));
}

static void a_wait_inside_a_frame_takes_what_it_wants_and_leaves_the_rest_in_order(void)
{
    struct event_base *base = event_base_new();
    struct end left, right;
    open_pair(base, &left, &right);
    right.on_first = ask_inside;
    send_kind(&left, "first", 100);
    send_kind(&left, "b", 100000);
    send_kind(&left, "c", 0);
    mg_channel_flush(left.channel, 0);
    send_kind(&left, "answer", 10);
    send_kind(&left, "d", 0);
    loop(base, 50);
    CU_ASSERT_STRING_EQUAL(right.order, "fabcd");
    mg_channel_free(left.channel);
    mg_channel_free(right.channel);
    event_base_free(base);
}

static void a_stream_that_ends_within_a_frame_is_told_from_one_that_ends_behind_it(void)
{
    for (int broken = 0; broken < 2; broken++) {
        struct event_base *base = event_base_new();
        struct end left, right;
        open_pair(base, &left, &right);
        int stream = mg_channel_detach(left.channel);
        char bytes[64];
        size_t length = make(bytes, 12, 0, "{\"type\":\"x\"}");
        CU_ASSERT_EQUAL(write(stream, bytes, length - (size_t)broken),
                        (ssize_t)(length - (size_t)broken));
        close(stream);
        loop(base, 5);
        CU_ASSERT(right.ends == 1 && right.broken == (broken == 1));
        CU_ASSERT_EQUAL(right.frames, 1 - broken);
        mg_channel_free(right.channel);
        event_base_free(base);
    }
}

static void a_paused_channel_reads_nothing_and_its_peer_waits(void)
{
    struct event_base *base = event_base_new();
    struct end left, right;
    open_pair(base, &left, &right);
    mg_channel_pause(right.channel, true);
    for (int i = 0; i < 10; i++)
        send_kind(&left, "x", 400000);
    loop(base, 100);
    CU_ASSERT_EQUAL(right.frames, 0);
    CU_ASSERT(mg_channel_waiting(left.channel) > 3000000);
    mg_channel_pause(right.channel, false);
    for (int i = 0; i < 10000 && right.frames < 10; i++)
        loop(base, 1);
    CU_ASSERT_EQUAL(right.frames, 10);
    mg_channel_free(left.channel);
    mg_channel_free(right.channel);
    event_base_free(base);
}

static void pipes_do_as_well_as_a_socket(void)
{
    struct event_base *base = event_base_new();
    struct end left = {.frames = 0}, right = {.frames = 0};
    int there[2], back[2];
    CU_ASSERT_FATAL(pipe(there) == 0 && pipe(back) == 0);
    left.channel = mg_channel_new(base, back[0], there[1], 1 << 20, &events, &left);
    right.channel = mg_channel_new(base, there[0], back[1], 1 << 20, &events, &right);
    send_kind(&left, "x", 300000);
    send_kind(&right, "y", 300000);
    for (int i = 0; i < 10000 && left.frames + right.frames < 2; i++)
        loop(base, 1);
    CU_ASSERT(left.bytes == 300000 && right.bytes == 300000);
    mg_channel_free(left.channel);
    mg_channel_free(right.channel);
    event_base_free(base);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_frame_is_read_only_when_it_is_whole),
        UNIT_TEST(a_length_that_cannot_be_is_refused_from_its_eight_bytes),
        UNIT_TEST(a_header_that_is_no_object_with_a_type_is_refused),
        UNIT_TEST(a_header_that_nests_without_end_is_refused),
        UNIT_TEST(members_of_another_kind_make_a_frame_wrong_and_missing_ones_do_not),
        UNIT_TEST(numbers_are_whole_and_below_2_to_the_53),
        UNIT_TEST(what_is_written_is_read_the_same),
        UNIT_TEST(bytes_that_are_no_utf_8_are_written_as_iso_8859_1),
        UNIT_TEST(a_frame_that_is_too_long_is_taken_out_again),
        UNIT_TEST(many_frames_of_every_size_come_whole_and_in_order),
        UNIT_TEST(a_wait_inside_a_frame_takes_what_it_wants_and_leaves_the_rest_in_order),
        UNIT_TEST(a_stream_that_ends_within_a_frame_is_told_from_one_that_ends_behind_it),
        UNIT_TEST(a_paused_channel_reads_nothing_and_its_peer_waits),
        UNIT_TEST(pipes_do_as_well_as_a_socket),
    };
    return unit_run("frames", tests, sizeof tests / sizeof *tests);
}
