#include "engine/file/model_title.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

#include "engine/file/safetensors/checkpoint.h"

namespace quibble {

namespace fs = std::filesystem;

namespace {

// The end of "-00001-of-00003".
std::size_t partSuffix(std::string_view stem) {
    constexpr std::string_view kShape = "-00000-of-00000";
    if (stem.size() <= kShape.size()) return 0;
    const std::string_view end = stem.substr(stem.size() - kShape.size());
    const auto fits = [](char c, char shape) {
        return shape == '0' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == shape;
    };
    return std::equal(end.begin(), end.end(), kShape.begin(), fits) ? kShape.size() : 0;
}

std::string folderTitle(const fs::path& folder) {
    const fs::path named = folder.has_filename() ? folder : folder.parent_path();
    if (named.parent_path().filename() != "snapshots") return named.filename().string();
    const std::string cached = named.parent_path().parent_path().filename().string();
    const std::size_t dashes = cached.rfind("--");
    return dashes == std::string::npos ? cached : cached.substr(dashes + 2);
}

}  // namespace

std::string modelTitle(const fs::path& path) {
    std::error_code ignored;
    const fs::path whole = fs::absolute(path, ignored).lexically_normal();
    if (fs::is_directory(whole, ignored)) return folderTitle(whole);
    if (isCheckpointPath(whole)) return folderTitle(whole.parent_path());
    const std::string stem = whole.stem().string();
    return stem.substr(0, stem.size() - partSuffix(stem));
}

}  // namespace quibble
