#include "gateway/net/deadline.h"

#include "gateway/base/clock.h"
#include "gateway/base/error.h"

int64_t mg_net_now(void)
{
    return mg_clock_monotonic() / 1000;
}

static void arm(struct mg_deadline *deadline, int64_t now)
{
    /* One millisecond more, since the loop's idea of now may be a little older than the clock's. */
    int64_t left = deadline->due > now ? deadline->due - now + 1 : 1;
    struct timeval interval = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    if (evtimer_add(&deadline->timer, &interval) != 0)
        mg_die("the event loop takes no timer");
    deadline->armed = deadline->due;
}

static void on_timer(evutil_socket_t none, short what, void *context)
{
    struct mg_deadline *deadline = context;
    int64_t now = mg_net_now();
    (void)none;
    (void)what;
    deadline->armed = 0;
    if (deadline->due == 0)
        return;
    if (deadline->due > now) {
        arm(deadline, now);
        return;
    }
    deadline->due = 0;
    deadline->passed(deadline->context);
}

void mg_deadline_begin(struct mg_deadline *deadline, struct event_base *base,
                       void (*passed)(void *context), void *context)
{
    *deadline = (struct mg_deadline){.passed = passed, .context = context};
    evtimer_assign(&deadline->timer, base, on_timer, deadline);
}

void mg_deadline_set(struct mg_deadline *deadline, int64_t moment)
{
    deadline->due = moment;
    if (moment && (!deadline->armed || moment < deadline->armed))
        arm(deadline, mg_net_now());
}

void mg_deadline_end(struct mg_deadline *deadline)
{
    evtimer_del(&deadline->timer);
    deadline->due = deadline->armed = 0;
}
