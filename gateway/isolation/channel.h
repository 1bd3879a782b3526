/*
 * channel: frames over a stream on libevent, for both ends.
 *
 * What is sent is gathered and written at the end of the loop's round, so that many frames share
 * one system call. What is read is bounded for each round, so that whoever floods us gets no more
 * of the loop than everybody else, and can be paused: then the peer waits in its write.
 *
 * Only on the thread of the loop. A channel may be freed inside its own callbacks.
 */
#ifndef MUENGSTEN_ISOLATION_CHANNEL_H
#define MUENGSTEN_ISOLATION_CHANNEL_H

#include "gateway/isolation/frames.h"

#include <event2/event.h>

struct mg_channel;

struct mg_channel_events {
    /* A frame has come; it is the channel's, and valid until the function returns. A frame that is
     * made wrong meanwhile ends the channel: on_end follows with its error. */
    void (*on_frame)(struct mg_frame *frame, void *context);
    /* Nothing more comes: the peer has closed (error NULL), or what came is no frame, or the system
     * fails. Called once; the channel is still to be freed. */
    void (*on_end)(const struct mg_error *error, void *context);
    /* What was sent has been written, after having waited; may be NULL. */
    void (*on_drained)(void *context);
};

/* Takes the descriptors, which are closed with the channel: one socket for both, or two pipes (then
 * SIGPIPE has to be ignored). The events are borrowed. */
struct mg_channel *mg_channel_new(struct event_base *base, int input, int output,
                                  size_t content_limit, const struct mg_channel_events *events,
                                  void *context);
/* What is not written yet is lost. NULL is allowed. */
void mg_channel_free(struct mg_channel *channel);

/* The largest content of a frame from now on, in both directions. */
void mg_channel_set_limit(struct mg_channel *channel, size_t content_limit);

/* Frees the channel, but not its socket, which is the caller's again. */
int mg_channel_detach(struct mg_channel *channel);

/* Begins and ends a frame to be sent. Between the two, nothing else may be done with the channel.
 * False, and nothing sent, if it is longer than a frame may be. */
struct mg_frame_writer *mg_channel_begin(struct mg_channel *channel, const char *type);
bool mg_channel_send(struct mg_channel *channel);

/* Bytes that are not written yet. */
size_t mg_channel_waiting(const struct mg_channel *channel);

/* Bytes that were sent since the channel was made, written or not. */
uint64_t mg_channel_sent(const struct mg_channel *channel);

/* While paused, nothing is read; frames that were read already wait. */
void mg_channel_pause(struct mg_channel *channel, bool paused);

/* Writes all that waits, reads, and hands frames that the filter wants to on_frame, until done says
 * true; the others keep their order and come later as ever. Blocks; may be called inside on_frame,
 * whose frame stays valid. False if the stream ends before. */
bool mg_channel_wait(struct mg_channel *channel, bool (*wants)(const struct mg_frame *frame),
                     bool (*done)(void *context), void *context);

/* Writes what waits, blocking, for at most so many milliseconds. */
void mg_channel_flush(struct mg_channel *channel, int milliseconds);

#endif
