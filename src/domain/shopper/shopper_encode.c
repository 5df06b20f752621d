/* Shopper to canonical text: the tables of shopper_fields.c, written out. */
#include "base/jenc.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/shopper_fields.h"

#include <assert.h>
#include <string.h>

static const void *at_offset(const void *object, size_t offset)
{
    return (const char *)object + offset;
}

static void encode_released(struct jenc *j, const char *name, const int64_t *released)
{
    size_t count = STEPS_MAX;

    while (count > 0 && released[count - 1] == 0) {
        count--;
    }
    if (count == 0) {
        return;
    }
    jenc_array(j, name);
    for (size_t i = 0; i < count; i++) {
        jenc_i64(j, NULL, released[i]);
    }
    jenc_array_end(j);
}

static void encode_list(struct jenc *j, const char *name, const struct field_list *list,
                        const void *elements, size_t count);

static void encode_field(struct jenc *j, const char *name, const struct field *f,
                         const void *object)
{
    const void *value = at_offset(object, f->offset);

    switch (f->kind) {
    case FIELD_COUNT:
    case FIELD_AMOUNT:
    case FIELD_FROM:
    case FIELD_UNTIL:
        jenc_i64(j, name, *(const int64_t *)value);
        break;
    case FIELD_QUANTITY:
        quantity_put(j, name, *(const int64_t *)value);
        break;
    case FIELD_BOOL:
        jenc_bool(j, name, *(const bool *)value);
        break;
    case FIELD_TEXT:
        jenc_str(j, name, *(char *const *)value);
        break;
    case FIELD_CURRENCY:
        jenc_str(j, name, value);
        break;
    case FIELD_STATUS:
        jenc_str(j, name, cart_status_name(*(const enum cart_status *)value));
        break;
    case FIELD_TYPE:
        jenc_str(j, name, event_type_name(*(const enum event_type *)value));
        break;
    case FIELD_RELEASED:
        encode_released(j, name, value);
        break;
    case FIELD_LIST:
        if (f->list->is_pointer) {
            memcpy(&value, at_offset(object, f->offset), sizeof value);
        }
        encode_list(j, name, f->list, value,
                    *(const size_t *)at_offset(object, f->list->count_offset));
        break;
    }
}

/* How many of the fields are written: up to the last that has to be or that is there. */
static size_t fields_written(const struct field_list *list, const void *element)
{
    size_t count = list->field_count;

    while (count > list->row_min && field_is_absent(&list->fields[count - 1], element)) {
        count--;
    }
    return count;
}

static void encode_element(struct jenc *j, const struct field_list *list, const void *element)
{
    size_t count = fields_written(list, element);

    for (size_t i = 0; i < count; i++) {
        const struct field *f = &list->fields[i];
        if (!field_is_absent(f, element)) {
            encode_field(j, list->rows ? NULL : f->name, f, element);
        } else if (list->rows) {
            jenc_null(j, NULL);
        }
    }
}

static void encode_list(struct jenc *j, const char *name, const struct field_list *list,
                        const void *elements, size_t count)
{
    assert(count <= list->max);
    if (count == 0) {
        return;
    }
    jenc_array(j, name);
    for (size_t i = 0; i < count; i++) {
        const void *element = at_offset(elements, i * list->size);
        if (list->rows) {
            jenc_array(j, NULL);
            encode_element(j, list, element);
            jenc_array_end(j);
        } else {
            jenc_object(j, NULL);
            encode_element(j, list, element);
            jenc_object_end(j);
        }
    }
    jenc_array_end(j);
}

void shopper_encode(const struct shopper *s, struct buf *out)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    encode_element(&j, &shopper_fields, s);
    jenc_object_end(&j);
}
