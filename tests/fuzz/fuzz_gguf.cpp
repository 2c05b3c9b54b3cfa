// libFuzzer target: any bytes as a GGUF file. Reads everything a caller could, and loads the vocabulary if there is
// one.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = quibble::ModelFile::parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    if (!file) {
        if (file.error().what.empty()) __builtin_trap();  // an error always says what is wrong
        return 0;
    }
    quibble::fuzz::readAll(**file);
    quibble::fuzz::tokenize(**file);
    return 0;
}
