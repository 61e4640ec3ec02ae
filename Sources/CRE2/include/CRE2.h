#ifndef COUNTERSIGN_CRE2_H
#define COUNTERSIGN_CRE2_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled regular expression of RE2; matching takes time linear in the text.
typedef struct cre2_pattern cre2_pattern;

/// Compiles `text`; always returns a pattern, which `cre2_error` tells to be good or bad.
cre2_pattern *_Nonnull cre2_compile(const char *_Nonnull text, size_t length, bool case_sensitive);

/// What is wrong with the pattern, or NULL when nothing is; lives as long as the pattern.
const char *_Nullable cre2_error(const cre2_pattern *_Nonnull pattern);

/// Whether the pattern is found anywhere in `text`; safe from many threads at once.
bool cre2_is_found(const cre2_pattern *_Nonnull pattern, const char *_Nullable text, size_t length);

void cre2_free(cre2_pattern *_Nonnull pattern);

#ifdef __cplusplus
}
#endif
#endif
