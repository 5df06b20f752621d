/* Which columns could not be read, of a file and of all of them. */
#include "import/columns.h"

#include "foreign/taken.h"

#include <inttypes.h>
#include <string.h>

bool columns_expect(const struct foreign_parser *p, struct err *err)
{
    const struct foreign_column *c = taken_never(p);
    return c == NULL ||
           FAIL(err, ERR_REFUSED,
                "column \"%s\" could be read in none of %" PRId64
                " lines of orders, the first of which says \"%.40s\": is it the right column? "
                "Nothing of the file is stored",
                c->name, c->lines, c->first);
}

static struct foreign_column *column_of(struct import_result *r, const char *name)
{
    for (size_t i = 0; i < r->column_count; i++) {
        if (strcmp(r->columns[i].name, name) == 0) {
            return &r->columns[i];
        }
    }
    return r->column_count < FOREIGN_COLUMNS_MAX ? &r->columns[r->column_count++] : NULL;
}

void columns_note(struct import_result *r, const struct foreign_parser *p)
{
    for (size_t i = 0; i < p->column_count; i++) {
        const struct foreign_column *c = &p->columns[i];
        struct foreign_column *to = c->unread > 0 ? column_of(r, c->name) : NULL;
        if (to != NULL) {
            const int64_t lines = to->lines + c->lines;
            const int64_t unread = to->unread + c->unread;
            *to = *c;
            to->lines = lines;
            to->unread = unread;
        }
    }
}
