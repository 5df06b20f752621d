/* From a file's bytes to its text, in three steps: file, unpacked, UTF-8. It must not know what a line is. */
#include "import/source.h"

#include "base/look.h"
#include "base/mem.h"
#include "import/elements.h"
#include "import/unpack.h"
#include "import/utf16.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 17 };

struct source {
    int fd;
    bool owns_fd;
    int64_t taken, size;
    char head[CHUNK]; /* of the file: what was read to see its first bytes */
    size_t head_at, head_end;
    bool begun;
    struct unpack *unpack; /* NULL: it is not packed */
    bool utf16;
    bool big_endian;
    struct utf16 units;  /* between chunks */
    char *wide, *narrow; /* CHUNK as it came, and as UTF-8 */
    size_t narrow_at, narrow_end;
    bool json;
    struct elements elements; /* of an array, if json */
    char text[8];             /* what was read to see whether it is UTF-16 */
    size_t text_at, text_end;
};

static const char lfs_head[] = "version https://git-lfs.github.com/spec/";

/* What it is that holds no rows; NULL: they may be there. open() takes all of these, and reading would fail, or never end. */
static const char *kind_of(int fd, const struct stat *st)
{
    if (S_ISDIR(st->st_mode)) {
        return "a directory";
    }
    if (S_ISBLK(st->st_mode)) {
        return "a device, and no file";
    }
    if (!S_ISCHR(st->st_mode) || isatty(fd)) {
        return NULL;
    }
    struct stat null;
    bool is_null = stat("/dev/null", &null) == 0 && null.st_rdev == st->st_rdev;
    return is_null ? NULL : "a device, and no file";
}

/* The same of what cannot be opened; NULL: errno says it best. */
static const char *kind_of_path(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode) ? "a socket" : NULL;
}

/* From where it is read on, which of standard input need not be its beginning. A pipe's would be 0, and the bar full from
 * the start: -1. */
static int64_t size_of(int fd, const struct stat *st)
{
    off_t from = lseek(fd, 0, SEEK_CUR);
    bool known = S_ISREG(st->st_mode) && from >= 0 && from <= st->st_size;
    return known ? (int64_t)(st->st_size - from) : -1;
}

bool source_open(const char *path, struct source **out, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    /* before it is named in an error: whoever made the file may have made its name for whoever reads that */
    if (!look_fits_a_line(path)) {
        return FAIL(err, ERR_INVALID, "the name of a file must " LOOK_RULE ": rename it");
    }
    /* Not closed behind us: whoever gave us standard input may go on with it. */
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int why = errno;
    struct stat st;
    bool opened = fd >= 0 && fstat(fd, &st) == 0;
    const char *kind = opened ? kind_of(fd, &st) : kind_of_path(path);
    if (!opened || kind != NULL) {
        if (fd > STDIN_FILENO) {
            close(fd);
        }
        return kind != NULL
                   ? FAIL_AT(err, ERR_INVALID, path, "is %s", kind)
                   : FAIL_AT(err, ERR_INVALID, path, "cannot be opened: %s", err_words(why));
    }
    struct source *s = mem_alloc(sizeof *s);
    s->fd = fd;
    s->owns_fd = !is_stdin;
    s->size = size_of(fd, &st);
    *out = s;
    return true;
}

void source_close(struct source **s)
{
    if (*s != NULL) {
        if ((*s)->owns_fd) {
            close((*s)->fd);
        }
        unpack_close(&(*s)->unpack);
        mem_free(&(*s)->wide);
        mem_free(&(*s)->narrow);
        mem_free(s);
    }
}

/* ---- the file ---- */

CAN_FAIL static bool read_file(struct source *s, char *to, size_t cap, size_t *out_got,
                               struct err *err)
{
    ssize_t got = 0;
    do {
        got = read(s->fd, to, cap);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return FAIL(err, ERR_INTERNAL, "read failed after %lld bytes: %s", (long long)s->taken,
                    err_words(errno));
    }
    s->taken += got;
    /* Whoever writes it anew begins by cutting it off: half a file must not pass for all of it. */
    if (got == 0 && s->taken < s->size) {
        return FAIL(err, ERR_INVALID,
                    "has become shorter while it was read: it ends after %lld of %lld bytes",
                    (long long)s->taken, (long long)s->size);
    }
    *out_got = (size_t)got;
    return true;
}

/* What was read ahead first. */
CAN_FAIL static bool read_bytes(void *source, char *to, size_t cap, size_t *out_got,
                                struct err *err)
{
    struct source *s = source;
    size_t have = s->head_end - s->head_at;
    if (have == 0) {
        return read_file(s, to, cap, out_got, err);
    }
    *out_got = have < cap ? have : cap;
    memcpy(to, s->head + s->head_at, *out_got);
    s->head_at += *out_got;
    return true;
}

/* ---- unpacked ---- */

CAN_FAIL static bool read_unpacked(struct source *s, char *to, size_t cap, size_t *out_got,
                                   struct err *err)
{
    return s->unpack != NULL ? unpack_read(s->unpack, to, cap, out_got, err)
                             : read_bytes(s, to, cap, out_got, err);
}

/* A pipe gives its bytes as they come: a few at least, or all that there are. */
CAN_FAIL static bool fill_head(struct source *s, struct err *err)
{
    size_t got = 1;
    while (got > 0 && s->head_end < sizeof lfs_head) {
        if (!read_file(s, s->head + s->head_end, sizeof s->head - s->head_end, &got, err)) {
            return false;
        }
        s->head_end += got;
    }
    return true;
}

CAN_FAIL static bool fill_text(struct source *s, struct err *err)
{
    size_t got = 1;
    while (got > 0 && s->text_end < 2) {
        if (!read_unpacked(s, s->text + s->text_end, 2 - s->text_end, &got, err)) {
            return false;
        }
        s->text_end += got;
    }
    return true;
}

static bool is_ascii(char c)
{
    return (unsigned char)c > 0 && (unsigned char)c < 0x80;
}

/* With its mark, which is no text; or without one: a first letter of ASCII with a NUL beside it is nothing else. */
static void begin_utf16(struct source *s)
{
    bool two = s->text_end == 2;
    bool marked_big = two && memcmp(s->text, "\xFE\xFF", 2) == 0;
    bool marked = marked_big || (two && memcmp(s->text, "\xFF\xFE", 2) == 0);
    bool bare_big = two && s->text[0] == '\0' && is_ascii(s->text[1]);
    bool bare = bare_big || (two && is_ascii(s->text[0]) && s->text[1] == '\0');
    s->big_endian = marked_big || bare_big;
    s->utf16 = marked || bare;
    s->text_at = marked ? 2 : 0;
}

CAN_FAIL static bool begin(struct source *s, struct err *err)
{
    s->begun = true;
    if (!fill_head(s, err)) {
        return false;
    }
    size_t mark = sizeof lfs_head - 1;
    if (s->head_end >= mark && memcmp(s->head, lfs_head, mark) == 0) {
        return FAIL(
            err, ERR_INVALID,
            "is a pointer of Git LFS, the file itself is elsewhere: git lfs pull brings it");
    }
    s->unpack = unpack_open(s->head, s->head_end, read_bytes, s);
    if (!fill_text(s, err)) {
        return false;
    }
    begin_utf16(s);
    if (s->utf16) {
        s->wide = mem_array(CHUNK, 1);
        s->narrow = mem_array(CHUNK, 2); /* two bytes become three at most */
        s->units = (struct utf16){.big_endian = s->big_endian};
    }
    return true;
}

/* ---- as UTF-8 ---- */

CAN_FAIL static bool read_text(struct source *s, char *to, size_t cap, size_t *out_got,
                               struct err *err)
{
    size_t have = s->text_end - s->text_at;
    if (have == 0) {
        return read_unpacked(s, to, cap, out_got, err);
    }
    *out_got = have < cap ? have : cap;
    memcpy(to, s->text + s->text_at, *out_got);
    s->text_at += *out_got;
    return true;
}

CAN_FAIL static bool read_wide(struct source *s, char *to, size_t cap, size_t *out_got,
                               struct err *err)
{
    size_t got = 1;
    /* A chunk may hold no whole character. */
    while (s->narrow_at == s->narrow_end && got > 0) {
        if (!read_text(s, s->wide, CHUNK, &got, err)) {
            return false;
        }
        s->narrow_at = 0;
        s->narrow_end = got > 0 ? utf16_put(&s->units, s->wide, got, s->narrow)
                                : utf16_end(&s->units, s->narrow);
    }
    size_t have = s->narrow_end - s->narrow_at;
    *out_got = have < cap ? have : cap;
    memcpy(to, s->narrow + s->narrow_at, *out_got);
    s->narrow_at += *out_got;
    return true;
}

CAN_FAIL static bool read_utf8(struct source *s, char *to, size_t cap, size_t *out_got,
                               struct err *err)
{
    return s->utf16 ? read_wide(s, to, cap, out_got, err) : read_text(s, to, cap, out_got, err);
}

bool source_read(struct source *s, char *to, size_t cap, size_t *out_got, struct err *err)
{
    size_t got = 1;
    size_t kept = 0;
    size_t blank = 0;
    if (!s->begun && !begin(s, err)) {
        return false;
    }
    /* A piece may be nothing but blanks between elements. */
    while (kept == 0 && got > 0) {
        if (!read_utf8(s, to, cap, &got, err)) {
            return false;
        }
        kept = s->json ? elements_cut(&s->elements, to, got) : got;
        blank += got - kept;
        if (kept == 0 && blank > SOURCE_ENDLESS) {
            return FAIL(err, ERR_INVALID, "has nothing but blanks for more than %d MiB",
                        SOURCE_ENDLESS >> 20);
        }
    }
    if (kept == 0 && s->json && elements_open(&s->elements)) {
        return FAIL(err, ERR_INVALID, "breaks off inside of its array of JSON");
    }
    *out_got = kept;
    return true;
}

void source_expect_json(struct source *s)
{
    s->json = true;
}

bool source_array(const struct source *s)
{
    return elements_seen(&s->elements);
}

int64_t source_taken(const struct source *s)
{
    return s->taken - (int64_t)(s->head_end - s->head_at);
}

int64_t source_size(const struct source *s)
{
    return s->size;
}

bool source_packed(const struct source *s)
{
    return s->unpack != NULL || s->utf16;
}

const char *source_form(const struct source *s)
{
    const char *packed = s->unpack != NULL ? unpack_name(s->unpack) : NULL;
    if (!s->utf16) {
        return packed;
    }
    return packed == NULL ? "UTF-16" : packed[0] == 'g' ? "gzip, UTF-16" : "zstd, UTF-16";
}
