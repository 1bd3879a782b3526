#include "adapters/common/problem.h"

/* A member of a JSON object; what is empty is left out. */
static void add_member(struct mg_text *text, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    mg_text_print(text, ",\n  \"%s\": \"", name);
    mg_text_add_json(text, value);
    mg_text_add(text, "\"", 1);
}

bool mg_problem_may_pass(const struct mg_refusal *refusal)
{
    return refusal->status == 429 || refusal->status >= 500;
}

void mg_problem_json(const struct mg_refusal *refusal, struct mg_text *text)
{
    mg_text_print(text, "{\n  \"type\": \"urn:muengsten:error:");
    mg_text_add_json(text, refusal->code);
    mg_text_print(text, "\",\n  \"status\": %d", refusal->status);
    add_member(text, "title", refusal->title);
    add_member(text, "detail", refusal->text);
    add_member(text, "code", refusal->code);
    add_member(text, "place", refusal->place);
    add_member(text, "message", refusal->message);
    mg_text_print(text, "\n}\n");
}

static void add_element(struct mg_text *text, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    mg_text_print(text, "  <%s>", name);
    mg_text_add_xml(text, value);
    mg_text_print(text, "</%s>\n", name);
}

void mg_problem_xml(const struct mg_refusal *refusal, struct mg_text *text)
{
    mg_text_print(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<refusal xmlns=\"urn:muengsten:refusal:1\" code=\"");
    mg_text_add_xml(text, refusal->code);
    mg_text_print(text, "\" status=\"%d\">\n", refusal->status);
    add_element(text, "title", refusal->title);
    add_element(text, "text", refusal->text);
    add_element(text, "place", refusal->place);
    add_element(text, "message", refusal->message);
    mg_text_print(text, "</refusal>\n");
}
