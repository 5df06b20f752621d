#ifndef DOMAIN_SPEAK_MESSAGE_TEXT_H
#define DOMAIN_SPEAK_MESSAGE_TEXT_H

#include "domain/speak/cart_today.h"
#include "domain/speak/language.h"
#include "domain/speak/message.h"

/* The sentences of a message: what was left and what it costs, what is sold out meanwhile, and the
 * picks. lines: of in->cart, by cart_today. */
void message_text(const struct message_input *in, const struct line_today *lines,
                  const struct speech *speech, struct buf *out);

#endif
