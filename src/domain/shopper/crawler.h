#ifndef DOMAIN_SHOPPER_CRAWLER_H
#define DOMAIN_SHOPPER_CRAWLER_H

#include <stdbool.h>

/* True if a User-Agent says that no person is behind it: crawlers, previews, test browsers, and
 * programming libraries. */
bool crawler_agent(const char *user_agent);

#endif
