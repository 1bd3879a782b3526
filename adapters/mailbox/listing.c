#include "adapters/mailbox/listing.h"

#include "adapters/common/moment.h"

#include <inttypes.h>
#include <string.h>

static void add_text(struct mg_text *text, const char *name, const char *value)
{
    mg_text_add(text, "\"", 1);
    mg_text_add(text, name, strlen(name));
    mg_text_add(text, "\": ", 3);
    if (value) {
        mg_text_add(text, "\"", 1);
        mg_text_add_json(text, value);
        mg_text_add(text, "\"", 1);
    } else {
        mg_text_add(text, "null", 4);
    }
}

static void add_entry(struct mg_text *text, const struct mg_box_entry *entry)
{
    char accepted[MG_MOMENT_SIZE];
    const struct {
        const char *name, *value;
    } members[] = {
        {"id", entry->id},
        {"uuid", entry->uuid},
        {"type", entry->type},
        {"author", entry->author},
        {"reader", entry->reader},
        {"partner", entry->partner},
        {"accepted", mg_moment_text(entry->accepted, accepted)},
    };
    mg_text_add(text, "{", 1);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        add_text(text, members[i].name, members[i].value);
        mg_text_add(text, ", ", 2);
    }
    mg_text_print(text, "\"size\": %" PRId64 ", \"attempts\": %d}", entry->length, entry->attempts);
}

void mg_listing_write(const struct mg_box_list *list, const struct mg_box_facts *facts,
                      struct mg_text *text)
{
    char oldest[MG_MOMENT_SIZE];
    mg_text_print(text,
                  "{\n  \"number\": %" PRId64 ", \"taken\": %" PRId64 ", \"bytes\": %" PRId64 ", ",
                  facts->waiting, facts->taken, facts->bytes);
    add_text(text, "oldest", facts->oldest ? mg_moment_text(facts->oldest, oldest) : NULL);
    mg_text_print(text, ",\n  \"messages\": [");
    for (size_t i = 0; i < list->count; i++) {
        mg_text_print(text, "%s\n    ", i ? "," : "");
        add_entry(text, list->entries[i]);
    }
    mg_text_print(text, "%s],\n  ", list->count ? "\n  " : "");
    add_text(text, "next", list->next);
    mg_text_print(text, "\n}\n");
}
