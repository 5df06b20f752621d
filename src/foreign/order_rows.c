/* Which rows are of one order. It must not know what they mean. */
#include "foreign/order_rows.h"

#include <string.h>

static bool of_the_order(size_t target)
{
    return target != TO_ORDER && target != TO_CART && target != TO_EVENT_ID &&
           (target < TO_PRODUCT || target == TO_CURRENCY || target == TO_TOTAL ||
            target == TO_CANCELLED);
}

const char *order_of(const char *const field[TARGETS])
{
    return field[TO_ORDER][0] != '\0' ? field[TO_ORDER] : field[TO_CART];
}

void order_fill(struct order_rows *o, const char *field[TARGETS])
{
    const char *id = order_of(field);
    o->within = true;
    if (o->id == NULL || strcmp(o->id, id) != 0) {
        arena_reset(&o->arena);
        o->kept = (struct kept_rows){0};
        o->id = arena_strdup(&o->arena, id);
        for (size_t i = 0; i < TARGETS; i++) {
            o->field[i] = of_the_order(i) ? arena_strdup(&o->arena, field[i]) : "";
        }
        return;
    }
    for (size_t i = 0; i < TARGETS; i++) {
        if (field[i][0] == '\0' && of_the_order(i)) {
            field[i] = o->field[i];
        }
    }
}

bool order_keep(struct foreign_parser *p, const struct table_row *row, bool refused,
                struct err *err)
{
    struct order_rows *o = p->state;
    if (!o->within) {
        return true;
    }
    return refused ? kept_rows_spoil(&o->kept, &p->out, err)
                   : kept_rows_add(&o->kept, &o->arena, &p->out, row->raw, row->raw_len, err);
}

bool mapping_unread(struct foreign_parser *p, struct err *err)
{
    struct order_rows *o = p->state;
    /* Whose row it is cannot be read: most likely that of the order before it. */
    return o->id == NULL || kept_rows_spoil(&o->kept, &p->out, err);
}

void mapping_close(struct foreign_parser *p)
{
    struct order_rows *o = p->state;
    arena_free(&o->arena);
}
