#include "gateway/isolation/hello.h"

#include "config.h"

#include <stdlib.h>
#include <string.h>

#define MOST_PARAMETERS 64
#define LONGEST_NAME    64
#define LONGEST_TEXT    1000

void mg_hello_fill(struct mg_frame_writer *writer, size_t content)
{
    mg_frame_put_open(writer, "protocol", '[');
    mg_frame_put_number(writer, NULL, MG_PROTOCOL);
    mg_frame_put_number(writer, NULL, MG_PROTOCOL);
    mg_frame_put_close(writer, ']');
    mg_frame_put_text(writer, "gateway", PACKAGE_VERSION);
    mg_frame_put_number(writer, "content", (int64_t)content);
}

void mg_hello_write(struct mg_frame_writer *writer, struct mg_buffer *buffer, size_t content)
{
    mg_frame_begin(writer, buffer, "hello");
    mg_hello_fill(writer, content);
}

static bool is_word(const char *text, const char *letters)
{
    size_t length = strlen(text);
    return length > 0 && length <= LONGEST_NAME && strspn(text, letters) == length;
}

#define LOWER   "abcdefghijklmnopqrstuvwxyz0123456789-_"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ."

/* The place of a word in a list that ends with NULL; -1: none. */
static int find_word(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

static unsigned read_abilities(struct mg_frame *frame)
{
    static const char *const words[] = {"bring", "take", "listener", "collected", NULL};
    const json_t *array = mg_frame_array(frame, NULL, "abilities");
    unsigned abilities = 0;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        int place = word ? find_word(word, words) : -1;
        if (place < 0)
            mg_frame_object_to(frame, "The adapter declares an ability that there is not.");
        else
            abilities |= 1U << place;
    }
    return abilities;
}

static void read_bounds(struct mg_frame *frame, const json_t *object,
                        struct mg_parameter *parameter)
{
    bool smallest = json_object_get(object, "smallest"),
         largest = json_object_get(object, "largest");
    parameter->smallest = mg_frame_number(frame, object, "smallest", 0);
    parameter->largest = mg_frame_number(frame, object, "largest", MG_FRAME_NUMBER_LIMIT - 1);
    if (smallest != largest || parameter->smallest > parameter->largest)
        mg_frame_object_to(frame, "The parameter %s has bounds that are none.", parameter->name);
}

static void read_parameter(struct mg_frame *frame, const json_t *object,
                           struct mg_parameter *parameter)
{
    static const char *const kinds[] = {"text", "number", "seconds", "boolean",
                                        "url",  "folder", "file",    NULL};
    static const char *const uses[] = {"source", "destination", "both", NULL};
    if (!json_is_object(object)) {
        mg_frame_object_to(frame, "A parameter is no object.");
        return;
    }
    parameter->name = mg_frame_need_text(frame, object, "name");
    int kind = find_word(mg_frame_need_text(frame, object, "kind"), kinds);
    int use = find_word(mg_frame_need_text(frame, object, "use"), uses);
    if (!is_word(parameter->name, LOWER))
        mg_frame_object_to(frame, "A parameter has a name that an attribute cannot have.");
    if (kind < 0 || use < 0)
        mg_frame_object_to(frame, "The parameter %s has a kind or a use that there is not.",
                           parameter->name);
    parameter->kind = (enum mg_parameter_kind)(kind < 0 ? 0 : kind);
    parameter->use = (enum mg_parameter_use)(use + 1);
    parameter->required = mg_frame_truth(frame, object, "required");
    parameter->standard = mg_frame_text(frame, object, "standard");
    parameter->description = mg_frame_text(frame, object, "description");
    if (!parameter->description)
        parameter->description = "";
    if ((parameter->standard && strlen(parameter->standard) > LONGEST_TEXT) ||
        strlen(parameter->description) > LONGEST_TEXT)
        mg_frame_object_to(frame, "The parameter %s has texts that are too long.", parameter->name);
    read_bounds(frame, object, parameter);
}

static void read_parameters(struct mg_frame *frame, struct mg_hello *hello)
{
    const json_t *array = mg_frame_array(frame, NULL, "parameters");
    size_t count = json_array_size(array);
    if (count > MOST_PARAMETERS) {
        mg_frame_object_to(frame, "The adapter declares more than %d parameters.", MOST_PARAMETERS);
        return;
    }
    hello->parameters = mg_allocate_zeroed(count + 1, sizeof *hello->parameters);
    for (size_t i = 0; i < count && !frame->wrong; i++) {
        read_parameter(frame, json_array_get(array, i), &hello->parameters[i]);
        for (size_t j = 0; j < i && !frame->wrong; j++)
            if (strcmp(hello->parameters[j].name, hello->parameters[i].name) == 0)
                mg_frame_object_to(frame, "The parameter %s is declared twice.",
                                   hello->parameters[j].name);
    }
    hello->adapter.parameters = hello->parameters;
    hello->adapter.parameter_count = count;
}

static void read_facts(struct mg_frame *frame, struct mg_hello *hello, const char *name)
{
    struct mg_adapter *adapter = &hello->adapter;
    if (strcmp(frame->type, "hello") != 0) {
        mg_frame_object_to(frame, "The first frame of the adapter is no hello.");
        return;
    }
    if (mg_frame_need_number(frame, NULL, "protocol") != MG_PROTOCOL)
        mg_frame_object_to(frame, "The adapter speaks a protocol that was not offered.");
    adapter->size = sizeof *adapter;
    adapter->abi = MG_ADAPTER_ABI;
    adapter->name = mg_frame_need_text(frame, NULL, "adapter");
    adapter->version = mg_frame_need_text(frame, NULL, "version");
    if (!is_word(adapter->name, LETTERS) || strcmp(adapter->name, name) != 0)
        mg_frame_object_to(frame, "The program describes itself as another adapter.");
    if (strlen(adapter->version) > LONGEST_NAME)
        mg_frame_object_to(frame, "The version of the adapter is too long.");
    adapter->abilities = read_abilities(frame);
    read_parameters(frame, hello);
}

struct mg_hello *mg_hello_read(struct mg_frame *frame, const char *name, struct mg_error *error)
{
    struct mg_hello *hello = mg_allocate_zeroed(1, sizeof *hello);
    read_facts(frame, hello, name);
    if (frame->wrong) {
        mg_fail(error, "adapter.malformed", "The adapter %s: %s", name, frame->error.text);
        mg_hello_free(hello);
        return NULL;
    }
    hello->header = json_incref(frame->header);
    return hello;
}

void mg_hello_free(struct mg_hello *hello)
{
    if (!hello)
        return;
    json_decref(hello->header);
    free(hello->parameters);
    free(hello);
}
