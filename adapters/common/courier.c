#include "adapters/common/courier.h"

#include "adapters/common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct box {
    struct mg_letter *first, **last;
    int bell; /* eventfd: rung when the box was empty */
};

struct mg_courier {
    const struct mg_gateway *gateway;
    void (*run)(void *context);
    void *context;
    struct mg_watch *watch;
    pthread_t thread;
    pthread_mutex_t lock; /* for everything below */
    struct box outward;   /* to the thread */
    struct box inward;    /* to the loop */
    bool ends;
    bool blocks;   /* on the socket, in a library */
    int breakable; /* -1: none */
};

static void ring(int bell)
{
    const uint64_t one = 1;
    /* An eventfd takes it whenever it is there, and a bell that rings already is loud enough. */
    while (write(bell, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void silence(int bell)
{
    uint64_t times;
    while (read(bell, &times, sizeof times) < 0 && errno == EINTR)
        ;
}

static void put(struct mg_courier *courier, struct box *box, struct mg_letter *letter)
{
    letter->next = NULL;
    pthread_mutex_lock(&courier->lock);
    bool empty = !box->first;
    *box->last = letter;
    box->last = &letter->next;
    pthread_mutex_unlock(&courier->lock);
    if (empty)
        ring(box->bell);
}

static struct mg_letter *take_all(struct mg_courier *courier, struct box *box)
{
    silence(box->bell);
    pthread_mutex_lock(&courier->lock);
    struct mg_letter *letters = box->first;
    box->first = NULL;
    box->last = &box->first;
    pthread_mutex_unlock(&courier->lock);
    return letters;
}

static void open_all(struct mg_courier *courier, struct box *box)
{
    struct mg_letter *next;
    for (struct mg_letter *letter = take_all(courier, box); letter; letter = next) {
        next = letter->next;
        letter->open(letter);
    }
}

static void inward_ready(void *context)
{
    struct mg_courier *courier = context;
    open_all(courier, &courier->inward);
}

static void *thread_run(void *context)
{
    struct mg_courier *courier = context;
    courier->run(courier->context);
    return NULL;
}

/* Signals are for the gateway's own threads. */
static bool start_thread(struct mg_courier *courier)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&courier->thread, NULL, thread_run, courier) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool box_open(struct box *box)
{
    box->last = &box->first;
    box->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return box->bell >= 0;
}

static void courier_free(struct mg_courier *courier)
{
    if (courier->watch)
        courier->gateway->watch_end(courier->watch);
    if (courier->breakable >= 0)
        close(courier->breakable);
    if (courier->outward.bell >= 0)
        close(courier->outward.bell);
    if (courier->inward.bell >= 0)
        close(courier->inward.bell);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}

bool mg_courier_start(const struct mg_gateway *gateway, struct mg_instance *instance,
                      void (*run)(void *context), void *context, struct mg_courier **started)
{
    struct mg_courier *courier = mg_text_allocate(1, sizeof *courier);
    *courier =
        (struct mg_courier){.gateway = gateway, .run = run, .context = context, .breakable = -1};
    pthread_mutex_init(&courier->lock, NULL);
    bool opened = box_open(&courier->outward);
    opened = box_open(&courier->inward) && opened;
    if (opened)
        courier->watch = gateway->watch(instance, courier->inward.bell, inward_ready, courier);
    *started = courier;
    if (opened && courier->watch && start_thread(courier))
        return true;
    *started = NULL;
    courier_free(courier);
    return false;
}

static void drop_all(struct mg_courier *courier, struct box *box)
{
    struct mg_letter *next;
    for (struct mg_letter *letter = take_all(courier, box); letter; letter = next) {
        next = letter->next;
        if (letter->drop)
            letter->drop(letter);
    }
}

void mg_courier_end(struct mg_courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    courier->ends = true;
    pthread_mutex_unlock(&courier->lock);
    ring(courier->outward.bell);
    mg_courier_break(courier);
    pthread_join(courier->thread, NULL);
    drop_all(courier, &courier->outward);
    drop_all(courier, &courier->inward);
    courier_free(courier);
}

void mg_courier_to_thread(struct mg_courier *courier, struct mg_letter *letter)
{
    put(courier, &courier->outward, letter);
}

void mg_courier_wake(struct mg_courier *courier)
{
    ring(courier->outward.bell);
}

void mg_courier_to_loop(struct mg_courier *courier, struct mg_letter *letter)
{
    put(courier, &courier->inward, letter);
}

void mg_courier_open(struct mg_courier *courier)
{
    open_all(courier, &courier->outward);
}

bool mg_courier_ends(struct mg_courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    bool ends = courier->ends;
    pthread_mutex_unlock(&courier->lock);
    return ends;
}

short mg_courier_wait(struct mg_courier *courier, int descriptor, short events, int milliseconds)
{
    struct pollfd places[] = {
        {.fd = courier->outward.bell, .events = POLLIN},
        {.fd = descriptor, .events = events},
    };
    if (mg_courier_ends(courier) || poll(places, 2, milliseconds) <= 0)
        return 0;
    return places[1].revents;
}

/* Under the lock. */
static void cut_off(const struct mg_courier *courier)
{
    if (courier->blocks && courier->breakable >= 0)
        shutdown(courier->breakable, SHUT_RDWR);
}

void mg_courier_break(struct mg_courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    cut_off(courier);
    pthread_mutex_unlock(&courier->lock);
}

void mg_courier_blocks(struct mg_courier *courier, bool blocks)
{
    pthread_mutex_lock(&courier->lock);
    courier->blocks = blocks;
    if (courier->ends)
        cut_off(courier);
    pthread_mutex_unlock(&courier->lock);
}

void mg_courier_breakable(struct mg_courier *courier, int descriptor)
{
    int own = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    pthread_mutex_lock(&courier->lock);
    int before = courier->breakable;
    courier->breakable = own;
    if (courier->ends)
        cut_off(courier);
    pthread_mutex_unlock(&courier->lock);
    if (before >= 0)
        close(before);
}
