#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/err.h"
#include "http/wire/app.h"
#include "http/wire/listen.h"

/* The HTTP server: a thread a connection, because handlers block on the database. */
struct server;

/* Serves on the listener's socket, which it takes over. Borrows the app. */
CAN_FAIL bool server_start(struct app *app, const struct listener *listener, struct server **out,
                           struct err *err);

/* Takes no new connections, answers what is under way with Connection: close. False: after wait_us
 * some request is still not answered. */
bool server_drain(struct server *server, int64_t wait_us);

/* Cuts what is left and joins all threads. */
void server_stop(struct server **server);

#endif
