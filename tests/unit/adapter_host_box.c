/* The box of the double: messages that wait to be collected. */
#include "tests/unit/adapter_host_double.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was asked of the box, and is answered when host_run is called. */
struct box_question {
    void (*list)(const struct mg_box_list *list, void *context);
    void (*take)(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context);
    void (*settle)(const struct mg_refusal *refusal, void *context);
    enum mg_settlement settlement;
    char id[64], claim[64];
    void *context;
};

struct host_letter *host_letter(const char *id, const char *document)
{
    CU_ASSERT_FATAL(host.letter_count < sizeof host.letters / sizeof *host.letters);
    struct host_letter *letter = &host.letters[host.letter_count++];
    *letter = (struct host_letter){.id = id, .document = document};
    return letter;
}

static const struct mg_refusal *box_refusal(const char *code, int status)
{
    static struct mg_refusal refusal;
    refusal = host.refusal;
    refusal.code = code;
    refusal.status = status;
    return &refusal;
}

static struct host_letter *find_letter(const char *id)
{
    for (size_t i = 0; i < host.letter_count; i++) {
        struct host_letter *letter = &host.letters[i];
        if (*id ? strcmp(letter->id, id) == 0 : !letter->taken && !letter->collected)
            return letter;
    }
    return NULL;
}

static void box_facts(struct mg_instance *of, struct mg_box_facts *facts)
{
    (void)of;
    CU_ASSERT_EQUAL(facts->size, sizeof *facts);
    for (size_t i = 0; i < host.letter_count; i++) {
        const struct host_letter *letter = &host.letters[i];
        if (letter->collected)
            continue;
        facts->waiting++;
        facts->taken += letter->taken > 0;
        facts->bytes += (int64_t)strlen(letter->document);
        facts->oldest = facts->oldest ? facts->oldest : 1000;
    }
}

static bool ask_box(const struct box_question *question, void (*answer)(void *context))
{
    if (host.box_full)
        return false;
    struct box_question *asked = malloc(sizeof *asked);
    CU_ASSERT_PTR_NOT_NULL_FATAL(asked);
    *asked = *question;
    host_later(answer, asked);
    return true;
}

static void answer_list(void *context)
{
    struct box_question *asked = context;
    struct mg_box_entry entries[8];
    const struct mg_box_entry *pointers[8];
    struct mg_box_list list = {.size = sizeof list, .entries = pointers};
    if (host.box_fails)
        list.refusal = &host.refusal;
    for (size_t i = 0; i < host.letter_count && !host.box_fails; i++) {
        const struct host_letter *letter = &host.letters[i];
        if (letter->taken || letter->collected)
            continue;
        entries[list.count] = (struct mg_box_entry){.size = sizeof *entries,
                                                    .id = letter->id,
                                                    .uuid = "uuid",
                                                    .type = "profile:\"code\"",
                                                    .author = "a:1",
                                                    .reader = "r:1",
                                                    .partner = "portal",
                                                    .accepted = 1000,
                                                    .length = (int64_t)strlen(letter->document),
                                                    .attempts = (int)letter->takings};
        pointers[list.count] = &entries[list.count];
        if (++list.count == host.list_limit) {
            list.next = letter->id;
            break;
        }
    }
    asked->list(&list, asked->context);
    free(asked);
}

static bool box_list(struct mg_instance *of, const char *after, unsigned limit,
                     void (*end)(const struct mg_box_list *list, void *context), void *context)
{
    (void)of;
    snprintf(host.list_after, sizeof host.list_after, "%s", after ? after : "-");
    host.list_limit = limit;
    return ask_box(&(struct box_question){.list = end, .context = context}, answer_list);
}

static void answer_take(void *context)
{
    struct box_question *asked = context;
    struct host_letter *letter = find_letter(asked->id);
    struct mg_delivery *delivery = NULL;
    const struct mg_refusal *refusal = NULL;
    if (host.box_fails) {
        refusal = &host.refusal;
    } else if (*asked->id && (!letter || letter->collected)) {
        refusal = box_refusal("box.unknown", 404);
    } else if (letter && letter->taken) {
        refusal = box_refusal("box.taken", 409);
    } else if (letter) {
        delivery = host_delivery(letter->document, "<seal/>");
        delivery->message.id = letter->id;
        for (unsigned i = 0; i < letter->attachments; i++)
            host_attach(delivery, "plan.txt", "a plan");
        letter->taken = ++letter->takings;
        delivery->attempt = (int)letter->takings;
        snprintf(delivery->claim, sizeof delivery->claim, "claim-%u", letter->taken);
        host.handles++;
    }
    asked->take(delivery, refusal, asked->context);
    free(asked);
}

static bool box_take(struct mg_instance *of, const char *id, int64_t lease,
                     void (*end)(struct mg_delivery *delivery, const struct mg_refusal *refusal,
                                 void *context),
                     void *context)
{
    (void)of;
    struct box_question question = {.take = end, .context = context};
    snprintf(question.id, sizeof question.id, "%s", id ? id : "");
    host.lease = lease;
    return ask_box(&question, answer_take);
}

static const char *box_claim(struct mg_delivery *delivery)
{
    CU_ASSERT(*delivery->claim && !delivery->closed);
    return delivery->claim;
}

static void box_close(struct mg_delivery *delivery)
{
    host.handles--;
    host_delivery_free(delivery);
}

static void answer_settle(void *context)
{
    struct box_question *asked = context;
    struct host_letter *letter = find_letter(asked->id);
    const struct mg_refusal *refusal = NULL;
    char claim[16] = "";
    if (letter)
        snprintf(claim, sizeof claim, "claim-%u", letter->taken);
    if (host.box_fails)
        refusal = &host.refusal;
    else if (!letter)
        refusal = box_refusal("box.unknown", 404);
    else if (strcmp(claim, asked->claim) != 0)
        refusal = box_refusal("box.lost", 409);
    else if (asked->settlement == MG_COLLECTED)
        letter->collected = true;
    else
        letter->taken = 0;
    asked->settle(refusal, asked->context);
    free(asked);
}

static bool box_settle(struct mg_instance *of, const char *id, const char *claim,
                       enum mg_settlement settlement,
                       void (*end)(const struct mg_refusal *refusal, void *context), void *context)
{
    (void)of;
    struct box_question question = {.settle = end, .settlement = settlement, .context = context};
    snprintf(question.id, sizeof question.id, "%s", id);
    snprintf(question.claim, sizeof question.claim, "%s", claim);
    return ask_box(&question, answer_settle);
}

void host_offer_box(struct mg_gateway *gateway)
{
    gateway->box_facts = box_facts;
    gateway->box_list = box_list;
    gateway->box_take = box_take;
    gateway->box_claim = box_claim;
    gateway->box_close = box_close;
    gateway->box_settle = box_settle;
}
