/*
 * frames: whatever bytes come, a frame is read within them or refused, what is asked of its members
 * is answered, and hello is judged; what is accepted is written anew and read the same. The first
 * byte chooses the limit of the content.
 */
#include "gateway/isolation/hello.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
    if (!condition)
        abort();
}

/* Every text of the header goes out and comes back as it was. */
static void write_again(struct mg_frame *frame)
{
    struct mg_buffer buffer = {0};
    struct mg_frame_writer writer;
    struct mg_frame again;
    const char *name;
    json_t *value;
    size_t needed;
    mg_frame_begin(&writer, &buffer, frame->type);
    json_object_foreach(frame->header, name, value)
    {
        if (json_is_string(value) && strcmp(name, "type") != 0)
            mg_frame_put_text(&writer, name, json_string_value(value));
    }
    mg_frame_put_content(&writer, frame->content, frame->length);
    if (mg_frame_end(&writer, frame->length)) {
        demand(mg_frame_read(buffer.data, buffer.length, frame->length, &again, &needed) ==
               MG_FRAME_READY);
        demand(strcmp(again.type, frame->type) == 0 && again.length == frame->length);
        json_object_foreach(again.header, name, value)
            demand(json_equal(value, json_object_get(frame->header, name)));
        mg_frame_free(&again);
    }
    mg_buffer_free(&buffer);
}

static void look(struct mg_frame *frame)
{
    mg_frame_need_text(frame, NULL, "text");
    mg_frame_need_number(frame, NULL, "delivery");
    mg_frame_truth(frame, NULL, "finish");
    mg_frame_object(frame, NULL, "message");
    demand(!frame->wrong || frame->error.text[0]);
    frame->wrong = false;
    struct mg_error error;
    struct mg_hello *hello = mg_hello_read(frame, "letterbox", &error);
    demand(hello || frame->wrong);
    mg_hello_free(hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mg_frame frame;
    size_t needed;
    if (size < 1)
        return 0;
    size_t limit = data[0] * 16U;
    data++, size--;
    while (size > 0) {
        /* In memory of exactly that size, so that a read beyond it is found. */
        char *bytes = malloc(size);
        memcpy(bytes, data, size);
        enum mg_frame_progress progress = mg_frame_read(bytes, size, limit, &frame, &needed);
        demand(progress != MG_FRAME_MORE || needed > size);
        if (progress == MG_FRAME_READY) {
            demand(frame.size <= size && frame.length <= limit && frame.size == needed);
            write_again(&frame);
            look(&frame);
            mg_frame_free(&frame);
        }
        free(bytes);
        if (progress != MG_FRAME_READY)
            break;
        data += needed, size -= needed;
    }
    return 0;
}
