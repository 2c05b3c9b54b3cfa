// Named lists of hesitation words, and the token ids they stand for in a vocabulary.
// Source of the published list and of the single-token rule: arXiv 2606.00206, appendix C, table 8.
//
// File form (data/markers/*.txt), UTF-8, one entry a line:
//   # comment, and blank lines, are skipped; a line "# name: NAME" names the set
//   wait        an entry; the word as it stands, no space in front
//   _wait       a leading underscore stands for one leading space
//   \_wait      a backslash in front of _, # or \ makes it an ordinary character
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

struct MarkerSet {
    std::string name;                // the id under which it is listed and stored
    std::string note;                // where it comes from, for people
    std::vector<std::string> words;  // exact text, leading space included where meant; case counts
    bool operator==(const MarkerSet&) const = default;
};

struct ResolvedMarkers {
    std::vector<TokenId> ids;                              // sorted, unique
    std::vector<std::pair<std::string, TokenId>> entries;  // in list order; a word may share its id with none
    std::vector<std::string> dropped;                      // "word: why", in list order
    bool operator==(const ResolvedMarkers&) const = default;
};

/// The 50 entries of the published table, in its order, each with a leading space. Name "published-50".
[[nodiscard]] MarkerSet publishedMarkers();
/// Surface forms of every set: with and without leading space, lower, Title and UPPER case, in order, without
/// duplicates. A deviation from the published list, so it has its own name: "expanded" for the published one.
[[nodiscard]] MarkerSet expandMarkers(const MarkerSet& set, std::string name = "expanded");
/// The built-in sets: published-50, expanded.
[[nodiscard]] std::vector<MarkerSet> builtinMarkerSets();

/// The entry of a list that is meant: the text as it is, or as a line of the file form ("_wait" for " wait"). Errors:
/// NotFound, with the entry that differs only in its spaces or in case.
[[nodiscard]] Result<std::string> findMarkerEntry(std::span<const std::string> words, std::string_view given);

/// Rule of the paper: a word that encodes to exactly one id is a member; one that splits is dropped, never its parts.
[[nodiscard]] ResolvedMarkers resolveMarkers(const MarkerSet& set, const Tokenizer& tokenizer);

/// A byte order mark at the beginning is no text. Errors name the line. At most 4096 entries of at most 256 bytes; not
/// UTF-8 is refused.
[[nodiscard]] Result<MarkerSet> parseMarkerSet(std::string_view text, std::string fallback_name);
/// A file without entries is refused.
[[nodiscard]] Result<MarkerSet> loadMarkerSet(const std::filesystem::path& path);
/// The file form; parseMarkerSet(formatMarkerSet(s)) == s.
[[nodiscard]] std::string formatMarkerSet(const MarkerSet& set);
/// Written to a temporary file beside it and renamed, so a crash leaves the old list or the new one.
[[nodiscard]] Result<void> saveMarkerSet(const MarkerSet& set, const std::filesystem::path& path);

}  // namespace quibble
