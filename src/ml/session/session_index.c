/* The ring of sessions and the rings of postings, written to event by event. */
#include "ml/session/session_index.h"

#include "base/mem.h"
#include "ml/session/session_internal.h"

#include <assert.h>
#include <string.h>

enum { RING_ROOM_FIRST = 4 };

struct session_index *session_index_make(const struct session_index_options *options)
{
    assert(options->items >= 0 && options->sessions_max >= 1 && options->sessions_max <= 1 << 26);
    assert(options->postings_max >= 1 && options->postings_max <= SESSION_POSTINGS_MAX);
    struct session_index *index = mem_alloc(sizeof *index);
    uint32_t capacity = 1;
    /* a power of two: a session's slot is its number's low bits */
    while (capacity < (uint32_t)options->sessions_max) {
        capacity *= 2;
    }
    index->items = options->items;
    index->postings_max = options->postings_max;
    index->mask = capacity - 1;
    index->slot = mem_array(capacity, sizeof *index->slot);
    index->length = mem_array(capacity, sizeof *index->length);
    index->ring = mem_array((size_t)options->items, sizeof *index->ring);
    return index;
}

void session_index_free(struct session_index **index)
{
    struct session_index *old = *index;
    if (!old) {
        return;
    }
    for (int i = 0; i < old->items; i++) {
        mem_free(&old->ring[i].session);
    }
    mem_free(&old->ring);
    mem_free(&old->slot);
    mem_free(&old->length);
    mem_free(index);
}

uint32_t session_index_open(struct session_index *index)
{
    assert(index->begun < UINT32_MAX);
    uint32_t number = index->begun++;
    struct session_slot *slot = &index->slot[number & index->mask];
    /* Whoever lay here is forgotten. Postings that name it are known by the
     * number, and are not cleaned up. */
    slot->number = number;
    slot->count = 0;
    index->length[number & index->mask] = 0;
    return number;
}

/* Unrolls the ring into twice the room. */
static void ring_grow(struct posting_ring *ring, int postings_max)
{
    int room = ring->room == 0 ? RING_ROOM_FIRST : 2 * ring->room;
    /* doubled, as most items are in few sessions: postings_max places for each would be wasted */
    room = room < postings_max ? room : postings_max;
    uint32_t *session = mem_array((size_t)room, sizeof *session);
    for (int i = 0; i < ring->count; i++) {
        session[i] = ring->session[(ring->first + i) % ring->room];
    }
    mem_free(&ring->session);
    ring->session = session;
    ring->room = room;
    ring->first = 0;
}

static void ring_push(struct posting_ring *ring, uint32_t session, int postings_max)
{
    if (ring->count == ring->room && ring->room < postings_max) {
        ring_grow(ring, postings_max);
    }
    /* full: the oldest posting makes room, which is the first */
    if (ring->count == ring->room) {
        ring->session[ring->first] = session;
        ring->first = (ring->first + 1) % ring->room;
    } else {
        ring->session[(ring->first + ring->count++) % ring->room] = session;
    }
}

bool session_index_add(struct session_index *index, uint32_t session, int32_t item)
{
    assert(item >= 0 && item < index->items && session < index->begun);
    struct session_slot *slot = &index->slot[session & index->mask];
    /* forgotten meanwhile, or full: the caller begins another (session_index_append) */
    if (slot->number != session || slot->count == SESSION_SLOT_ITEMS) {
        return false;
    }
    bool known = false;
    /* A repeat is kept in the slot but not in the postings: a session that is met twice
     * by one item would count twice. */
    for (int i = 0; i < slot->count && !known; i++) {
        known = slot->item[i] == item;
    }
    slot->item[slot->count++] = item;
    index->length[session & index->mask] = (uint8_t)slot->count;
    if (!known) {
        ring_push(&index->ring[item], session, index->postings_max);
    }
    return true;
}

void session_index_append(struct session_index *index, uint32_t *session, int32_t item)
{
    if (*session == SESSION_NONE || !session_index_add(index, *session, item)) {
        *session = session_index_open(index);
        /* a session just begun is neither full nor forgotten */
        bool added = session_index_add(index, *session, item);
        assert(added);
        (void)added;
    }
}

int session_index_sessions(const struct session_index *index)
{
    return (int)(index->begun <= index->mask ? index->begun : index->mask + 1);
}

size_t session_index_bytes(const struct session_index *index)
{
    size_t slots = (size_t)index->mask + 1;
    size_t bytes = sizeof *index + slots * (sizeof *index->slot + sizeof *index->length) +
                   (size_t)index->items * sizeof *index->ring;
    for (int i = 0; i < index->items; i++) {
        bytes += (size_t)index->ring[i].room * sizeof *index->ring[i].session;
    }
    return bytes;
}
