#include "gateway/base/handoff.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mg_handoff {
    pthread_mutex_t lock;
    struct mg_handoff_item *first;
    struct mg_handoff_item *last;
    int descriptor;
};

struct mg_handoff *mg_handoff_new(struct mg_error *error)
{
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) {
        mg_fail(error, "system.descriptors", "no file descriptor is left: %s", strerror(errno));
        return NULL;
    }
    struct mg_handoff *handoff = mg_allocate_zeroed(1, sizeof *handoff);
    handoff->descriptor = descriptor;
    pthread_mutex_init(&handoff->lock, NULL);
    return handoff;
}

void mg_handoff_free(struct mg_handoff *handoff)
{
    if (!handoff)
        return;
    close(handoff->descriptor);
    pthread_mutex_destroy(&handoff->lock);
    free(handoff);
}

int mg_handoff_descriptor(const struct mg_handoff *handoff)
{
    return handoff->descriptor;
}

void mg_handoff_post(struct mg_handoff *handoff, struct mg_handoff_item *item)
{
    mg_handoff_post_chain(handoff, item, item);
}

void mg_handoff_post_chain(struct mg_handoff *handoff, struct mg_handoff_item *first,
                           struct mg_handoff_item *last)
{
    last->next = NULL;
    pthread_mutex_lock(&handoff->lock);
    /* Only the post that finds the queue empty has to wake the reader. */
    bool wake = !handoff->first;
    if (wake)
        handoff->first = first;
    else
        handoff->last->next = first;
    handoff->last = last;
    pthread_mutex_unlock(&handoff->lock);
    if (wake) {
        uint64_t one = 1;
        ssize_t written = write(handoff->descriptor, &one, sizeof one);
        (void)written; /* fails only where the counter is full, and then the reader is awake */
    }
}

void mg_handoff_drain(struct mg_handoff *handoff)
{
    uint64_t count;
    ssize_t size = read(handoff->descriptor, &count, sizeof count);
    (void)size; /* empty is as good as read */
    pthread_mutex_lock(&handoff->lock);
    struct mg_handoff_item *item = handoff->first;
    handoff->first = handoff->last = NULL;
    pthread_mutex_unlock(&handoff->lock);
    while (item) {
        struct mg_handoff_item *next = item->next;
        item->run(item);
        item = next;
    }
}

void mg_handoff_wait(struct mg_handoff *handoff, int milliseconds)
{
    struct pollfd poller = {.fd = handoff->descriptor, .events = POLLIN};
    poll(&poller, 1, milliseconds);
    mg_handoff_drain(handoff);
}
