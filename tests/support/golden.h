// Reading the golden data: NumPy float32 matrices, token lists.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/values/ids.h"

namespace quibble::testing {

inline std::filesystem::path goldenDirectory() {
    return std::filesystem::path(QUIBBLE_SOURCE_DIR) / "tests" / "golden";
}

inline std::string readFile(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::vector<TokenId> readTokens(const std::filesystem::path& path) {
    const std::string bytes = readFile(path);
    std::vector<TokenId> ids(bytes.size() / sizeof(TokenId));
    std::memcpy(ids.data(), bytes.data(), ids.size() * sizeof(TokenId));
    return ids;
}

/// Row-major float32 data of a .npy file, without its header; empty when it is not such a file.
inline std::vector<float> readNpy(const std::filesystem::path& path) {
    const std::string bytes = readFile(path);
    if (bytes.size() < 10 || bytes.compare(1, 5, "NUMPY") != 0) return {};
    const std::size_t header = static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
    if (bytes.find("'<f4'") > 10 + header) return {};
    std::vector<float> values((bytes.size() - 10 - header) / sizeof(float));
    std::memcpy(values.data(), bytes.data() + 10 + header, values.size() * sizeof(float));
    return values;
}

inline std::filesystem::path shippedModel() {
    return std::filesystem::path(QUIBBLE_SOURCE_DIR) / "data" / "models" / "quibble-nano.gguf";
}

}  // namespace quibble::testing
