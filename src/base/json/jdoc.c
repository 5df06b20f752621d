/* Which of the two readers reads a document. */
#include "base/json/jdoc.h"

#include "base/json/jdec.h"

bool jdoc_read(struct jdoc *doc, const char *text, size_t len, struct arena *a, struct err *err)
{
    doc->tree = NULL;
    if (jmarks_read(&doc->marks, text, len, a)) {
        doc->root = (struct jval){.mark = doc->marks.all};
        return true;
    }
    jmarks_free(&doc->marks);
    /* For the words. And should jansson find nothing wrong, it is right. */
    return jdoc_parse(doc, text, len, err);
}

bool jdoc_parse(struct jdoc *doc, const char *text, size_t len, struct err *err)
{
    doc->marks.all = doc->marks.first;
    doc->tree = jdec_parse(text, len, err);
    doc->root = jval_of_tree(doc->tree);
    return doc->tree != NULL;
}

void jdoc_free(struct jdoc *doc)
{
    jdec_free(&doc->tree);
    jmarks_free(&doc->marks);
    doc->root = (struct jval){0};
}
