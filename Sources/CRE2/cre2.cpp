#include "cre2.h"
#include <cstring>
#include <new>
#include <re2/re2.h>
#include <string>

struct cre2 {
    re2::RE2 regexp;
    cre2(re2::StringPiece pattern, const re2::RE2::Options &options) : regexp(pattern, options) {}
};

static void copy(const std::string &text, char *to, size_t size) {
    if (size == 0) return;
    size_t n = text.size() < size - 1 ? text.size() : size - 1;
    memcpy(to, text.data(), n);
    to[n] = 0;
}

extern "C" {

cre2 *cre2_new(const char *pattern, size_t length, int64_t max_memory_bytes, char *error, size_t error_size) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(max_memory_bytes);
    auto *made = new (std::nothrow) cre2(re2::StringPiece(pattern, length), options);
    if (made == nullptr) {
        copy("out of memory", error, error_size);
        return nullptr;
    }
    if (!made->regexp.ok()) {
        copy(made->regexp.error(), error, error_size);
        delete made;
        return nullptr;
    }
    return made;
}

void cre2_free(cre2 *regexp) { delete regexp; }

int cre2_group_count(const cre2 *regexp) { return regexp->regexp.NumberOfCapturingGroups(); }

bool cre2_group_name(const cre2 *regexp, int group, char *name, size_t size) {
    const auto &names = regexp->regexp.CapturingGroupNames();
    auto found = names.find(group);
    if (found == names.end()) return false;
    copy(found->second, name, size);
    return true;
}

bool cre2_matches(const cre2 *regexp, const void *text, size_t n) {
    return regexp->regexp.Match(
        re2::StringPiece(static_cast<const char *>(text), n), 0, n, re2::RE2::UNANCHORED, nullptr, 0);
}

bool cre2_search(const cre2 *regexp, const void *text, size_t n, size_t from, int count, size_t *starts, size_t *ends) {
    constexpr int most = 64;
    re2::StringPiece groups[most];
    if (count > most) count = most;
    const char *base = static_cast<const char *>(text);
    if (!regexp->regexp.Match(re2::StringPiece(base, n), from, n, re2::RE2::UNANCHORED, groups, count)) return false;
    for (int i = 0; i < count; i++) {
        bool took_part = groups[i].data() != nullptr;
        starts[i] = took_part ? static_cast<size_t>(groups[i].data() - base) : static_cast<size_t>(-1);
        ends[i] = took_part ? starts[i] + groups[i].size() : static_cast<size_t>(-1);
    }
    return true;
}
}
