#ifndef IMPORT_CATEGORIES_H
#define IMPORT_CATEGORIES_H

#include "base/arena.h"
#include "import/lines.h"

/* RetailRocket's categories: a file child,parent (empty for a root) and a file item,category. Both
 * have a header. */
struct category_tree;

struct category_tree *category_tree_open(void); /* owns */
void category_tree_close(struct category_tree **t);
/* One row of the tree file; ERR_INVALID: malformed. The first row said of a child counts. */
CAN_FAIL bool category_tree_line(struct category_tree *t, const struct line *line, struct err *err);
/* From root to leaf, "1338 > 1278 > 250". A circle is cut where it closes. In arena. */
const char *category_path(struct category_tree *t, const char *leaf, struct arena *a);

/* One row of the item file: item and category, in arena. */
CAN_FAIL bool category_item_line(const struct line *line, struct arena *a, const char **out_item,
                                 const char **out_category, struct err *err);

#endif
