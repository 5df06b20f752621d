#ifndef HTTP_WIRE_REPLY_H
#define HTTP_WIRE_REPLY_H

#include "http/wire/request.h"

#include <microhttpd.h>

/* Hands rq->answer to the library, with the headers every answer has, and counts it. */
enum MHD_Result reply_send(struct MHD_Connection *mhd, struct request *rq);

#endif
