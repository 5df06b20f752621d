/* Reads *.http files: requests and what must be answered, as data. See README.md beside this. */
#ifndef API_TRANSCRIPT_H
#define API_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum { HEADERS_MAX = 12 };

struct exchange {
    char *name; /* the sentence behind ### */
    int line;
    char *method;
    char *target;
    char *headers[HEADERS_MAX]; /* of the request: "Name: value" */
    size_t header_count;
    bool gzip;       /* @gzip: send the body compressed */
    bool eventually; /* @eventually: ask again until it matches */
    char *body;
    size_t body_len;
    int status;
    char *wanted_headers[HEADERS_MAX]; /* "Name: value"; value <any> takes any */
    size_t wanted_header_count;
    char *wanted_body; /* JSON with holes, plain text, or "" for not looked at */
};

struct transcript {
    struct exchange *items;
    size_t count;
    char *text; /* owns what the items point into */
};

/* A word in {{...}}: returns its text (to be freed) or NULL for an unknown one. */
typedef char *transcript_word(void *ctx, const char *word, size_t *out_len);

/* Reads the file and replaces the words. Ends the program with a message on a mistake in it. */
struct transcript transcript_read(const char *path, transcript_word *word, void *ctx);
void transcript_free(struct transcript *t);

#endif
