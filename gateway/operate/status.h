/*
 * status: writes an overview as JSON, for operators and their programs. Pure.
 */
#ifndef MUENGSTEN_OPERATE_STATUS_H
#define MUENGSTEN_OPERATE_STATUS_H

#include "gateway/base/buffer.h"
#include "gateway/operate/overview.h"

#define MG_STATUS_TYPE "application/json"

void mg_status_write(const struct mg_overview *overview, struct mg_buffer *buffer);

#endif
