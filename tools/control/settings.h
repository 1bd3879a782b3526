/*
 * settings: the little that muengstenctl needs to know of the gateway's configuration where it does
 * not ask the gateway: where the store is, and whose signatures count. Whether the configuration is
 * right is for muengstend -t to say.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_SETTINGS_H
#define MUENGSTEN_TOOLS_CONTROL_SETTINGS_H

#include "tools/control/control.h"

/* Paths; NULL: not said. */
struct mg_settings {
    char *store;
    char *seal;        /* the present certificate for seals */
    char *authorities; /* that are trusted */
};

/* --store is enough; without it the configuration is read: the one of --config, or of the
 * installation. Codes: settings.unreadable, settings.no-store. Freed with mg_settings_free. */
bool mg_settings_read(const struct mg_control *control, struct mg_settings *settings,
                      struct mg_error *error);
void mg_settings_free(struct mg_settings *settings);

#endif
