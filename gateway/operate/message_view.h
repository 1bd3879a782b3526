/*
 * message_view: messages, their deliveries and their traces as JSON; internal to the room. Pure.
 */
#ifndef MUENGSTEN_OPERATE_MESSAGE_VIEW_H
#define MUENGSTEN_OPERATE_MESSAGE_VIEW_H

#include "gateway/base/json.h"
#include "gateway/intake/checks.h"
#include "gateway/message/header.h"
#include "gateway/store/search.h"

/* What is known of one message. */
struct mg_message_view {
    struct mg_store_hit hit;
    bool has_header;
    struct mg_header header;
    struct mg_checks checks;
    struct mg_view_part {
        int kind;
        struct mg_store_part_facts facts;
    } * parts;
    size_t part_count;
    struct mg_store_event *events;
    size_t event_count;
};

void mg_view_delivery(struct mg_json *json, const char *name,
                      const struct mg_store_delivery *delivery);
/* As a search shows it. */
void mg_view_hit(struct mg_json *json, const char *name, const struct mg_store_hit *hit);
/* With its whole trace. */
void mg_view_message(struct mg_json *json, const struct mg_message_view *view);

/* "content", "original", … */
const char *mg_view_part_word(int kind);

/* The name of who acted, from the text of an act's event, "NAME: why"; returns the reason. */
const char *mg_view_actor(const char *text, char by[MG_STORE_NAME_SIZE]);
/* Whether an event is an operator's act. */
bool mg_view_is_act(const struct mg_store_event *event);

#endif
