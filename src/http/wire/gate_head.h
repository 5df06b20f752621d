/* Of the gate alone: the lines of heads and trailers. */
#ifndef HTTP_WIRE_GATE_HEAD_H
#define HTTP_WIRE_GATE_HEAD_H

#include "http/wire/gate.h"

/* Reads on in the lines, up to the end of the empty one (GATE_COMPLETE) or the first wrong byte (refused);
 * how many bytes were taken. */
size_t gate_take_lines(struct gate *g, const unsigned char *bytes, size_t len);

/* The whole head in g->head: lets it through, and goes on to its body, if the guard takes it; how many
 * bytes came out. It is GATE_COMPLETE still where it is refused. */
size_t gate_pass_head(struct gate *g, char *out);

/* A request of nothing in the place of the refused one, with the ids that it sent, so that the refusal
 * has them. */
size_t gate_refused_head(struct gate *g, char *out);

/* Whether the whole trailers in g->head may be forgotten; else they are refused. */
bool gate_trailers_pass(struct gate *g);

/* of gate.c */
void gate_refuse(struct gate *g, int status, const char *why);
void gate_body_begins(struct gate *g, bool chunked, uint64_t length);

#endif
