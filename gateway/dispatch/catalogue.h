/*
 * catalogue: the adapters that a configuration uses: looked up in its folders, loaded, and compared
 * with what the configuration says of each source and destination.
 *
 * What runs in a process of its own is never loaded here: its process is started, says what it is,
 * and ends.
 *
 * Making a catalogue blocks on the disk and on processes, so it is made at the start, by
 * `muengstend -t`, and on a background thread for a reload. It never changes afterwards. Whoever
 * uses an adapter of it holds it: mg_catalogue_hold and mg_catalogue_release may be called by any
 * thread, and the last release unloads what nobody else has loaded.
 */
#ifndef MUENGSTEN_DISPATCH_CATALOGUE_H
#define MUENGSTEN_DISPATCH_CATALOGUE_H

#include "gateway/dispatch/end.h"
#include "gateway/isolation/process.h"

#include <muengsten/adapter.h>

struct mg_catalogue;

/* Looks up and checks the adapters of all sources and destinations; adds a problem for everything
 * that is wrong. Never NULL: what could not be loaded is missing in it. When the gateway starts or
 * reloads, a program that fails to describe itself is a warning, and absent: its description has a
 * name and nothing else. */
struct mg_catalogue *mg_catalogue_new(const struct mg_config *config,
                                      struct mg_config_problems *problems);

struct mg_catalogue *mg_catalogue_hold(struct mg_catalogue *catalogue);
/* NULL is allowed. */
void mg_catalogue_release(struct mg_catalogue *catalogue);

/* The description of an end's adapter, or NULL. What an adapter of an older ABI does not know of is
 * zero in it. */
const struct mg_adapter *mg_catalogue_find(const struct mg_catalogue *catalogue,
                                           const struct mg_end *end);

/* Why the adapter of an end is absent or missing; NULL: it is there. */
const struct mg_error *mg_catalogue_absence(const struct mg_catalogue *catalogue,
                                            const struct mg_end *end);

/* Whether both catalogues have the same adapter for an end: a program whose file was replaced is
 * another one. What is loaded into the gateway stays what it is until the next start. */
bool mg_catalogue_is_same(const struct mg_catalogue *left, const struct mg_catalogue *right,
                          const struct mg_end *end);

/* Where the adapter of an end is, a shared object or a program, if it runs in a process of its own;
 * NULL: it runs in the gateway. */
const char *mg_catalogue_process(const struct mg_catalogue *catalogue, const struct mg_end *end);

/* How the process of an end is to be started; the texts are the catalogue's and the
 * configuration's. */
struct mg_process_spec mg_catalogue_spec(const char *path, const struct mg_config_process *process);

#endif
