#ifndef DOMAIN_SHOPPER_PAGE_CONCERN_H
#define DOMAIN_SHOPPER_PAGE_CONCERN_H

/* What looking at a page betrays. */
enum page_concern { PAGE_OTHER, PAGE_RETURNS, PAGE_SHIPPING, PAGE_SIZE, PAGE_REVIEWS };

/* By the words of the page's name, title or path ("/help/Returns-policy"); the first that tells
 * decides. NULL is PAGE_OTHER. */
enum page_concern page_concern(const char *page);

#endif
