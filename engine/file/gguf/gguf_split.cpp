#include "engine/file/gguf/gguf_split.h"

#include <cstdio>
#include <optional>
#include <set>
#include <string>

#include "engine/file/content_hash.h"
#include "engine/file/gguf/gguf_parser.h"

namespace quibble {
namespace {

constexpr std::uint64_t kMaxParts = 9999;  // the largest models have some hundred
constexpr const char* kPartsHint =
    "Copy all parts of the model into one folder, under the names they were published with";

std::optional<std::uint64_t> wholeNumber(const ModelFileParts& parts, std::string_view wanted) {
    for (const auto& [key, value] : parts.keys) {
        if (key != wanted) continue;
        if (const auto* plain = std::get_if<std::uint64_t>(&value.data)) return *plain;
        const auto* with_sign = std::get_if<std::int64_t>(&value.data);
        if (with_sign != nullptr && *with_sign >= 0) return static_cast<std::uint64_t>(*with_sign);
    }
    return std::nullopt;
}

Result<ModelFileParts> openOne(const std::filesystem::path& path) {
    auto mapped = MappedFile::open(path);
    if (!mapped) return tl::unexpected<Error>(mapped.error());
    auto parts = GgufParser(mapped->bytes(), path.string()).parse();
    if (parts) parts->mappings.push_back(std::move(*mapped));
    return parts;
}

// "-00002-of-00003.gguf" for index 1 of 3.
std::string nameEnding(std::uint64_t index, std::uint64_t count) {
    char text[40];
    std::snprintf(text, sizeof text, "-%05u-of-%05u.gguf", static_cast<unsigned>(index + 1),
                  static_cast<unsigned>(count));
    return text;
}

// Appends a part's tensors, mapping and size to the whole.
void append(ModelFileParts& whole, ModelFileParts part) {
    for (ModelTensor& tensor : part.tensors) {
        tensor.file = whole.paths.size();
        whole.tensors.push_back(std::move(tensor));
    }
    whole.paths.push_back(part.paths.front());
    whole.file_bytes += part.file_bytes;
    whole.content_hash += part.content_hash;
    whole.mappings.push_back(std::move(part.mappings.front()));
}

Result<void> checkWhole(const ModelFileParts& whole, std::uint64_t promised) {
    std::set<std::string_view> seen;
    for (const ModelTensor& tensor : whole.tensors) {
        if (!seen.insert(tensor.name).second) {
            return fail(ErrorCode::FileCorrupt,
                        whole.paths[tensor.file] + ": tensor " + tensor.name + " is also in another part of the model",
                        kPartsHint);
        }
    }
    if (whole.tensors.size() != promised) {
        return fail(ErrorCode::FileCorrupt,
                    whole.name + ": the parts hold " + std::to_string(whole.tensors.size()) +
                        " tensors, split.tensors.count says " + std::to_string(promised),
                    kPartsHint);
    }
    return {};
}

// The part `index` of the `count` whose names begin with `stem`.
Result<ModelFileParts> openPart(const std::string& stem, std::uint64_t index, std::uint64_t count) {
    const std::string path = stem + nameEnding(index, count);
    auto part = openOne(path);
    const std::string place = "part " + std::to_string(index + 1) + " of " + std::to_string(count);
    if (!part)
        return fail(part.error().code, place + " of the model: " + part.error().what,
                    part.error().code == ErrorCode::NotFound ? kPartsHint : part.error().hint);
    const auto number = wholeNumber(*part, "split.no");
    const auto parts = wholeNumber(*part, "split.count");
    if (number != index || parts != count) {
        const std::string own =
            number && parts ? "says that it is part " + std::to_string(*number + 1) + " of " + std::to_string(*parts)
                            : "does not say which part it is";
        return fail(ErrorCode::FileCorrupt, path + " " + own + ", its name says " + place, kPartsHint);
    }
    return part;
}

}  // namespace

Result<ModelFileParts> openGguf(const std::filesystem::path& path) {
    auto given = openOne(path);
    if (!given) return given;
    const std::uint64_t count = wholeNumber(*given, "split.count").value_or(0);
    if (count <= 1) return given;
    const auto number = wholeNumber(*given, "split.no");
    const auto promised = wholeNumber(*given, "split.tensors.count");
    if (count > kMaxParts || !number || *number >= count || !promised) {
        return fail(
            ErrorCode::FileCorrupt,
            path.string() + ": split.no, split.count and split.tensors.count are missing or contradict each other",
            kPartsHint);
    }
    const std::string text = path.string();
    const std::string ending = nameEnding(*number, count);
    if (!text.ends_with(ending)) {
        return fail(ErrorCode::FileCorrupt,
                    text + " is part " + std::to_string(*number + 1) + " of " + std::to_string(count) +
                        " of a model, but its name does not end in " + ending + ", so the other parts cannot be found",
                    kPartsHint);
    }
    const std::string stem = text.substr(0, text.size() - ending.size());
    auto whole = *number == 0 ? std::move(given) : openPart(stem, 0, count);
    if (!whole) return whole;
    whole->name = text;
    whole->format += ", " + std::to_string(count) + " parts";
    for (std::uint64_t index = 1; index < count; ++index) {
        auto part = openPart(stem, index, count);
        if (!part) return part;
        if (wholeNumber(*part, "split.tensors.count") != promised) {
            return fail(
                ErrorCode::FileCorrupt,
                part->name + ": split.tensors.count is not that of the other parts, so it belongs to another model",
                kPartsHint);
        }
        append(*whole, std::move(*part));
    }
    if (auto fits = checkWhole(*whole, *promised); !fits) return tl::unexpected<Error>(fits.error());
    whole->content_hash = contentHash(std::as_bytes(std::span(whole->content_hash)), whole->file_bytes);
    return whole;
}

}  // namespace quibble
