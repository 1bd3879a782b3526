/*
 * courier: a thread of an adapter's own, for libraries that block, and the letters between it and
 * the loop.
 *
 * A letter is embedded as first member in whatever it is about. It is handed to the other side,
 * which opens it; from then on it belongs to that side. Letters of one direction arrive in the
 * order in which they were sent. What nobody has opened when the courier ends is dropped.
 *
 * The thread may call of the gateway only delivery_read and log. It waits with mg_courier_wait and
 * nowhere else for long, so that a letter reaches it at once. Where a library blocks in a call of
 * its own, the thread names the socket (mg_courier_breakable), and the loop can cut it off.
 *
 * Every function says which side may call it: the loop's thread, or the courier's. Nothing fails
 * but mg_courier_start.
 */
#ifndef MUENGSTEN_ADAPTERS_COURIER_H
#define MUENGSTEN_ADAPTERS_COURIER_H

#include <stdbool.h>

#include "muengsten/adapter.h"

struct mg_courier;

struct mg_letter {
    struct mg_letter *next;
    void (*open)(struct mg_letter *letter);
    void (*drop)(struct mg_letter *letter); /* instead of open, on the loop; NULL: nothing to do */
};

/* Loop. Starts the thread, which runs until it sees that mg_courier_ends; courier is set before it
 * begins. False, and NULL, if the system gives no thread or descriptor. */
bool mg_courier_start(const struct mg_gateway *gateway, struct mg_instance *instance,
                      void (*run)(void *context), void *context, struct mg_courier **courier);

/* Loop. Tells the thread to end, cuts its socket off if it blocks, waits for it, drops all letters
 * and frees the courier. It takes as long as a call of the library that knows no socket yet: the
 * time that connecting may take, at worst. */
void mg_courier_end(struct mg_courier *courier);

/* Loop. Hands a letter to the thread. */
void mg_courier_to_thread(struct mg_courier *courier, struct mg_letter *letter);

/* Loop. Ends a mg_courier_wait without a letter. */
void mg_courier_wake(struct mg_courier *courier);

/* Loop. Cuts off the socket that the thread has named if it blocks on it: the library's call fails
 * soon. */
void mg_courier_break(struct mg_courier *courier);

/* Thread. Hands a letter to the loop. */
void mg_courier_to_loop(struct mg_courier *courier, struct mg_letter *letter);

/* Thread. Opens all letters that are there. */
void mg_courier_open(struct mg_courier *courier);

/* Thread. True once it has to end. */
bool mg_courier_ends(struct mg_courier *courier);

/* Thread. Waits until one of these events (of poll) happens to the descriptor (-1: none), a letter
 * comes, the courier ends, or so many milliseconds are over (-1: no limit). Returns the events of
 * the descriptor. */
short mg_courier_wait(struct mg_courier *courier, int descriptor, short events, int milliseconds);

/* Thread. Names the socket that may be cut off; -1: none any more. The courier keeps a duplicate of
 * its own, so it does not matter when the library closes it. */
void mg_courier_breakable(struct mg_courier *courier, int descriptor);

/* Thread. Whether a call of the library now follows that may block on that socket. */
void mg_courier_blocks(struct mg_courier *courier, bool blocks);

#endif
