#include "gateway/intake/quota.h"

#include "gateway/base/clock.h"

#include <stdlib.h>
#include <string.h>

struct account {
    struct account *next;
    double tokens;
    int64_t refilled; /* mg_clock_monotonic */
    unsigned underway;
    char name[];
};

struct mg_quota {
    struct account *accounts; /* as many as partners were ever configured: a short list */
};

struct mg_quota *mg_quota_new(void)
{
    return mg_allocate_zeroed(1, sizeof(struct mg_quota));
}

void mg_quota_free(struct mg_quota *quota)
{
    if (!quota)
        return;
    for (struct account *account = quota->accounts, *next; account; account = next) {
        next = account->next;
        free(account);
    }
    free(quota);
}

static double bucket_size(unsigned messages_a_minute)
{
    double tenth = messages_a_minute / 10.0;
    return tenth < 10 ? 10 : tenth;
}

static struct account *account_of(struct mg_quota *quota, const struct mg_config_partner *partner)
{
    for (struct account *account = quota->accounts; account; account = account->next)
        if (strcmp(account->name, partner->name) == 0)
            return account;
    size_t size = strlen(partner->name) + 1;
    struct account *account = mg_allocate_zeroed(1, sizeof *account + size);
    memcpy(account->name, partner->name, size);
    account->tokens = bucket_size(partner->quota);
    account->refilled = mg_clock_monotonic();
    account->next = quota->accounts;
    quota->accounts = account;
    return account;
}

static void refill(struct account *account, unsigned messages_a_minute)
{
    int64_t now = mg_clock_monotonic();
    double minutes = (double)(now - account->refilled) / 60e6;
    account->tokens += minutes * messages_a_minute;
    if (account->tokens > bucket_size(messages_a_minute))
        account->tokens = bucket_size(messages_a_minute);
    account->refilled = now;
}

bool mg_quota_enter(struct mg_quota *quota, const struct mg_config_partner *partner,
                    struct mg_error *error)
{
    struct account *account = account_of(quota, partner);
    if (account->underway >= partner->simultaneous)
        return mg_fail(
            error, "quota.exceeded",
            "The partner %s has %u messages underway at once, as many as it may; wait for "
            "their answers.",
            partner->name, account->underway);
    if (partner->quota > 0) {
        refill(account, partner->quota);
        if (account->tokens < 1)
            return mg_fail(error, "quota.exceeded",
                           "The partner %s may send %u messages a minute; send more slowly.",
                           partner->name, partner->quota);
        account->tokens -= 1;
    }
    account->underway++;
    return true;
}

void mg_quota_leave(struct mg_quota *quota, const struct mg_config_partner *partner)
{
    account_of(quota, partner)->underway--;
}
