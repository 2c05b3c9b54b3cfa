#include "data/file_kind.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "data/schema/schema.h"

namespace quibble {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kReadBytes = 4096;
constexpr std::string_view kDatabaseMagic = "SQLite format 3\0"sv;
constexpr std::size_t kApplicationIdAt = 68;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // of a safetensors file

std::uint64_t number(std::string_view bytes, bool big_endian) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[big_endian ? i : bytes.size() - 1 - i]);
        value = value << 8 | byte;
    }
    return value;
}

bool isSafetensors(std::string_view start, std::uintmax_t size) {
    if (start.size() < 10) return false;
    const std::uint64_t header = number(start.substr(0, 8), false);
    return header >= 2 && header <= kLongestHeader && header <= size - 8 && start[8] == '{';
}

// Whether the file is the index of a checkpoint, which lists the files that hold its tensors.
bool isIndex(std::string_view start) {
    const std::size_t first = start.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && start[first] == '{' &&
           start.find("\"weight_map\"") != std::string_view::npos;
}

}  // namespace

FileKind fileKindOf(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        return std::filesystem::is_regular_file(path / "config.json", error) ? FileKind::Model : FileKind::Unknown;
    }
    const std::uintmax_t size =
        std::filesystem::is_regular_file(path, error) ? std::filesystem::file_size(path, error) : 0;
    if (error || size == 0) return FileKind::Unknown;
    std::array<char, kReadBytes> buffer{};
    std::ifstream in(path, std::ios::binary);
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const std::string_view start(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (start.starts_with("GGUF")) return FileKind::Model;
    if (start.starts_with(kDatabaseMagic)) {
        const bool ours = start.size() >= kApplicationIdAt + 4 &&
                          number(start.substr(kApplicationIdAt, 4), true) == std::uint64_t{kApplicationId};
        return ours ? FileKind::Session : FileKind::OtherDatabase;
    }
    return isSafetensors(start, size) || isIndex(start) ? FileKind::Model : FileKind::Unknown;
}

}  // namespace quibble
