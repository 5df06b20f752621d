#!/usr/bin/env bash
# Plants one fault for each rule of who is whom and who may be told what, and says which test notices: the random people in memory
# (people_test), what plays the orders of one cart id (outreach_cart_joins_test), of who is put off (outreach_stale_test), of who is told
# what (outreach_identity_test) and of what waits (store_joins_test), the random people through the database (outreach_people_test). Run from the root of the tree; works in build/planted.
#   planted.sh [--list | --stale] [NAME...]
# Exit code 1: one was missed, or is stale: the line that it changes has gone. --stale looks for that only, and builds nothing.
# shellcheck disable=SC2016 # the $ are SQL's
set -euo pipefail

work=$PWD/build/planted tree=$PWD/build/planted/tree
only=() list='' stale=''
for word in "$@"; do
    case $word in
    --list) list=1 ;;
    --stale) stale=1 tree=$PWD ;;
    -*) printf 'planted: what is %s?\n' "$word" >&2; exit 2 ;;
    *) only+=("$word") ;;
    esac
done

say() { printf '%-7s %-44s %s\n' "$@"; }

sources() { git ls-files -co --exclude-standard | grep -v '^tests/mutate/planted'; }

copy() {
    mkdir -p "$tree"
    sources | while IFS= read -r file; do
        [ ! -f "$file" ] || cmp -s "$file" "$tree/$file" || { mkdir -p "$tree/$(dirname "$file")" && cp -p "$file" "$tree/$file" && touch "$tree/$file"; }
    done
}

tests=(people_test outreach_cart_joins_test outreach_stale_test outreach_identity_test store_joins_test outreach_people_test)

build() { nice cmake --build "$tree/build/dev" -j "$(nproc)" --target cartwright "${tests[@]}"; }

configure() {
    local launcher=
    ! command -v ccache >/dev/null || launcher=ccache
    export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$tree
    if ! {
        (cd "$tree" && cmake --preset dev -DCMAKE_C_COMPILER_LAUNCHER=$launcher -DCARTWRIGHT_WERROR=OFF -DCARTWRIGHT_BENCH=OFF -DCMAKE_C_FLAGS=-w)
        build
    } >"$work/build.log" 2>&1; then
        tail -n 30 "$work/build.log" >&2
        echo 'planted: the copy does not build' >&2
        exit 2
    fi
}

# One server for all, which stops whatever happens. The path of its socket has to be short.
server() {
    local folder=/tmp
    [ ! -w /dev/shm ] || folder=/dev/shm
    server=$(mktemp -d "$folder/cw-planted-XXXXXX")
    trap '"$tree/tests/support/postgres.sh" stop "$server" || true; rm -rf "$server"' EXIT
    "$tree/tests/support/postgres.sh" start "$server"
    "$tree/tests/support/postgres.sh" template "$server" "$tree/build/dev/cartwright"
    export CARTWRIGHT_TEST_PG="host=$server user=postgres" CARTWRIGHT_SOURCE=$tree OPENBLAS_NUM_THREADS=1
}

fails() { # NAME TEST SCHEDULES
    local status=0
    CARTWRIGHT_SCHEDULES=$3 timeout 900 nice "$tree/build/dev/tests/$2" >"$work/$1.log" 2>&1 || status=$?
    [ "$status" != 0 ]
}

# noticed NAME: whether a test fails, which stands in noticed_by then. Those of a few seconds come before the last, which takes minutes.
noticed() {
    local schedules
    for noticed_by in "${tests[@]}"; do
        schedules=1
        case $noticed_by in
        people_test) schedules=20000 ;;
        outreach_people_test) schedules=$through ;;
        esac
        fails "$1" "$noticed_by" "$schedules" && return
    done
    return 1
}

# The seed that failed, or what else was said.
why() { grep -m 1 -oE '(seed [0-9]+: |ERROR   \] --- "|error: ).*' "$work/$1.log" | cut -c1-90 || true; }

names=() missed=0 caught=0

# fault NAME FILE SED
fault() {
    local name=$1 file=$2
    names+=("$name")
    if [ ${#only[@]} -gt 0 ] && ! printf '%s\n' "${only[@]}" | grep -qxF "$name"; then return; fi
    if [ -n "$list" ]; then printf '%s\n' "$name"; return; fi
    if sed -E "$3" "$tree/$file" | cmp -s - "$tree/$file"; then
        say stale "$name" "$file has no such line"
        missed=$((missed + 1))
        return
    fi
    if [ -n "$stale" ]; then caught=$((caught + 1)); return; fi
    cp -p "$tree/$file" "$work/unchanged"
    sed -E "$3" "$work/unchanged" >"$tree/$file"
    if ! build >"$work/$name.log" 2>&1; then
        say broken "$name" "$(why "$name")"
        missed=$((missed + 1))
    elif noticed "$name"; then
        say caught "$name" "$noticed_by, $(why "$name")"
        caught=$((caught + 1))
    else
        say MISSED "$name" ''
        missed=$((missed + 1))
    fi
    cp -p "$work/unchanged" "$tree/$file" && touch "$tree/$file"
}

if [ -z "$list$stale" ]; then
    mkdir -p "$work"
    copy
    configure
    server
    through=5
    if noticed nothing; then
        printf 'planted: %s fails with nothing planted (%s)\n' "$noticed_by" "$(why nothing)" >&2
        exit 2
    fi
    through=80 # schedules of outreach_people_test
fi

# ---- whose a browser is ----
fault both-ids-log-nobody-in src/domain/shopper/shopper_identity.c \
    '/^bool identity_names/,/^}/ s/e->type != EVENT_LOGGED_OUT/e->type == EVENT_IDENTIFY/'
fault the-next-login-inherits-what-the-last-had src/domain/shopper/shopper_owners.c \
    '/^static void log_in/,/^}/ s/if \(o->count > 0 && .*\{/if (o->count > 0) { last_of(o)->other = c->customer; last_of(o)->until_us = INT64_MAX; return; } if (false) {/'
fault a-logout-ends-nothing src/domain/shopper/shopper_owners.c \
    '/^static void log_out/,/^}/ s/if \(last != NULL/if (false \&\& last != NULL/'
fault somebody-else-s-logout-ends-a-login src/domain/shopper/shopper_owners.c \
    '/^static void log_out/,/^}/ s/\(c->customer == NULL \|\| is_of\(last, c\)\)/true/'
fault what-was-done-before-the-login-stays src/fold/fold_identity.c \
    '/^static bool changed_hands/,/^}/ s/return k->before != NULL.*/return false \&\& was != is;/'
fault what-changed-hands-is-kept-by-both src/domain/shopper/shopper_identity.c \
    '/^bool identity_counts/,/^}/ s/ && holds\(s, e->via, e->occurred_us\)//'
fault an-older-answer-wins src/domain/shopper/shopper_bindings.c \
    's/return x->version > y->version/return x->version < y->version/; s/known->version >= set->version/known->version < set->version/'
fault a-login-that-came-late-joins-no-cart src/domain/shopper/shopper_fold.c \
    's/^ +identity_join_late\(s, e\);/;/'
fault a-login-is-forgotten-where-another-took-its-time src/fold/fold_identity.c \
    '/^static void tell_logins_of_history/,/^}/ s/shopper_login_again\(k->before, k->after, &e\)/false/'

# ---- who had to do with a cart ----
fault an-order-acts-on-its-own-key-alone src/fold/fold_orders.c \
    '/^static bool is_order/,/^}/ s/return .*/return e == NULL;/'
fault a-word-joins src/domain/shop/cart_id.c \
    's/return left >= LETTERS_MIN/return true || left >= LETTERS_MIN/'
fault a-cart-says-more-than-a-login src/domain/shopper/shopper_owners.c \
    's/const bool said = is_said\(changes, known\)/const bool said = is_said(changes, 0)/'
fault a-cart-of-many-joins-two sql/queries/shoppers.sql \
    's/many = p.many OR excluded.many OR .*/many = false,/'
fault what-is-taken-back-stays src/domain/shopper/shopper_grounds.c \
    '/^static bool is_taken_back/,/^}/ s/return found;/return false \&\& found;/'
fault a-browser-is-not-told-that-a-join-is-taken-back src/fold/fold_identity.c \
    '/^static void tell_of_cart/,/^}/ s/if \(m->taken_back\)/if (false \&\& m->taken_back)/'
fault a-cart-id-of-several-tells-one src/eventlog/view.c \
    's/\*out = shared \? \(struct view\)\{\.shared = true\} : only/*out = only/'
fault who-is-named-beside-a-cart-is-told-of-another src/outreach/decide.c \
    's/const bool elsewhere = named == NULL .*/const bool elsewhere = false;/'

# ---- who bought ----
fault an-order-without-a-cart-closes-one src/domain/shopper/shopper_orders.c \
    '/^static void close_carts/,/^}/ s/\(named != NULL && named != c\)/(named != NULL ? named != c : c != carts_newest_open(s, NULL))/'
fault an-order-forwarded-by-a-browser-closes-nothing src/domain/shopper/shopper_event.c \
    's/^    if \(e->type == EVENT_PURCHASE\) \{/    if (e->type == EVENT_PURCHASE \&\& e->via == NULL) {/'
fault a-late-order-is-dropped src/domain/shopper/shopper_late.c \
    '/^static int64_t closed_for/,/^}/ s/if \(!late_is_closer\(e\)\)/if (true)/'
fault a-late-order-is-dropped-for-a-cart-that-was-emptied src/domain/shopper/shopper_late.c \
    '/^void late_closers_add/,/^}/ s/: &c->one_us/: \&c->every_us/'
fault what-came-late-changes-closed-rounds src/domain/shopper/shopper_late.c \
    '/^bool late_is_tardy/,/^}/ s/return !exempt && /return false \&\& !exempt \&\& /'
fault another-s-order-of-the-cart-is-nothing src/domain/speak/policy.c \
    '/^static int64_t bought_by_another_us/,/^}/ s/return bought \?/return false \&\& bought ?/'
fault what-another-ordered-is-told-with-what-came-since src/domain/shopper/cart_state.c \
    '/^bool cart_held/,/^}/ s/held = c->lines\[i\]\.added_us <= at_us/held = false/'
fault a-cancellation-of-another-cart-undoes-the-last-order src/domain/shopper/shopper_cancel.c \
    '/^static size_t order_meant/,/^}/ s/if \(e->cart_id != NULL\)/if (false)/'
fault what-is-given-back-another-order-has src/domain/shopper/shopper_cancel.c \
    's/since = bought_since\(s, &bought, &line, order\)/since = NULL/'

# ---- who opted out ----
fault a-browser-s-withdrawal-is-its-own src/domain/shopper/shopper_event.c \
    's/if \(event_says_consent\(e\)\) \{/if (event_says_consent(e) \&\& e->via == NULL) {/'
fault a-guest-says-yes-for-whoever-logs-in src/domain/shopper/shopper_event.c \
    '/^static void note_consent/,/^}/ s/!identity_is_own_word\(s, e\)/false/'
fault what-was-said-behind-a-logout-is-a-customer-s src/domain/shopper/shopper_event.c \
    's/if \(e->type == EVENT_LOGGED_OUT\) \{/if (false) {/'
fault a-login-of-before-another-s-still-speaks src/domain/shopper/shopper_identity.c \
    '/^bool identity_is_own_word/,/^}/ s/b->login_us >= b->from_us \&\& //'
fault a-cart-id-lets-a-browser-consent src/domain/shopper/shopper_identity.c \
    's/e->type == EVENT_DERIVED_SHOPPER_NAMED \? b->login_us : identity_names_us/identity_names_us/'
fault stop-is-small-talk src/domain/shop/event.c \
    '/^bool event_withdraws/,/^}/ s/ \|\| e->opt_out//'
fault a-late-withdrawal-counts-for-nothing src/domain/shopper/shopper_late.c \
    '/^bool late_is_tardy/,/^}/ s/ \|\| event_says_consent\(e\)//'
fault a-withdrawal-for-the-cart-is-another-s-affair src/domain/speak/policy.c \
    '/^static bool is_withdrawn_elsewhere/,/^}/ s/return withdrawn_us != 0/return false \&\& withdrawn_us != 0/'
fault whom-a-browser-may-be-is-no-matter src/outreach/gather.c \
    '/^static void list_shared/,/^}/ s/if \(g->view\.key\[0\] != .a.\) \{/if (true) {/'
fault what-a-customer-bought-is-nothing-to-a-browser src/outreach/sharers.c \
    's/raise_to\(&all->ordered_us, g\.view\.shopper->last_order_us\)/(void)0/'
fault what-a-customer-said-no-to-is-nothing-to-a-browser src/outreach/sharers.c \
    's/if \(!c->given && shopper_consent/if (false \&\& shopper_consent/'
fault who-joins-whom-a-browser-may-be-is-not-waited-for src/outreach/sharers.c \
    's/all->wait = all->wait \|\|/all->wait = false \&\&/'
fault a-browser-of-before-is-one-s-own-for-ever src/outreach/ordered.c \
    '/^struct own_time \*outreach_own_times/,/^}/ s/b->from_us, b->until_us/INT64_MIN, INT64_MAX/'

# ---- what is committed and not folded ----
fault nothing-is-waited-for src/outreach/outreach.c \
    's/: pending->any \|\| outreach_unasked/: outreach_unasked/'
fault what-a-browser-did-is-not-waited-for src/outreach/gather.c \
    '/^struct joins outreach_joins/,/^}/ s/\.via_count = g->via_count/.via_count = 0/'
fault what-others-say-of-a-browser-is-not-waited-for sql/queries/outreach.sql \
    '/^-- name: joins_pending/,/^-- name: cart_pending/ {/hashtext\(e\.name\)/ s/ AND e\.key <> \$2::text$/ AND e.key <> $2::text AND false/}'
fault an-order-of-the-cart-is-not-waited-for sql/queries/outreach.sql \
    '/^-- name: joins_pending/,/^-- name: cart_pending/ s/OR EXISTS \(SELECT FROM had k/OR false AND EXISTS (SELECT FROM had k/'
fault an-order-of-a-cart-that-was-only-named-is-not-waited-for src/domain/shopper/shopper_carts.c \
    '/^void carts_mention/,/^}/ s/if \(kept_elsewhere \|\|/if (true || kept_elsewhere ||/'
fault what-waits-to-be-told-is-not-waited-for sql/queries/outreach.sql \
    's/OR EXISTS \(SELECT FROM cartwright\.derived_waiting w WHERE w\.lane = \$1/OR false AND EXISTS (SELECT FROM cartwright.derived_waiting w WHERE w.lane = $1/'
fault who-is-put-off-is-not-waited-for sql/queries/outreach.sql \
    's/^SELECT EXISTS \(SELECT FROM stale\)/SELECT EXISTS (SELECT FROM stale WHERE false)/'
fault others-of-a-cart-id-are-not-waited-for src/outreach/outreach.c \
    '/^static bool is_alone/,/^}/ s/\*out = soon \?/*out = false \&\& soon ?/'
fault a-third-who-names-the-cart-of-a-join-is-not-waited-for src/outreach/outreach.c \
    '/^static bool wait_for_carts/,/^}/ s/bool soon = g->shaken \&\&/bool soon = false \&\& g->shaken \&\&/'
fault who-ordered-a-cart-is-without-one src/outreach/outreach.c \
    '/^static bool wait_for_carts/,/^}/ s/if \(!soon \&\& d->decision/if (false \&\& d->decision/'
fault replay-and-fold-part-ways src/domain/shopper/shopper_fold.c \
    '/^enum shopper_step shopper_apply/,/^}/ s/compare_position\(e, s\) <= 0 \|\|/false ||/'

[ -z "$list" ] || exit 0
for word in "${only[@]}"; do
    printf '%s\n' "${names[@]}" | grep -qxF "$word" || { printf 'planted: no fault is called %s\n' "$word" >&2; exit 2; }
done
[ -n "$stale" ] || printf '%d caught, %d not\n' "$caught" "$missed"
[ "$missed" = 0 ]
