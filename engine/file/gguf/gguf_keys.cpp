#include "engine/file/gguf/gguf_keys.h"

namespace quibble {

template <typename Fits>
const GgufArray* TypedKeys::list(std::string_view key, const char* kind, Fits fits) {
    const GgufArray* array = file_.getArray(key);
    if (array != nullptr && (array->size() == 0 || fits(array->elementType()))) return array;
    if (has(key)) setFault(std::string(key) + " is not a list of " + kind);
    return nullptr;
}

const GgufArray* TypedKeys::texts(std::string_view key) {
    return list(key, "texts", [](GgufType type) { return type == GgufType::String; });
}

const GgufArray* TypedKeys::wholeNumbers(std::string_view key) {
    return list(key, "whole numbers", [](GgufType type) {
        return type != GgufType::String && type != GgufType::F32 && type != GgufType::F64;
    });
}

const GgufArray* TypedKeys::numbers(std::string_view key) {
    return list(key, "numbers", [](GgufType type) { return type != GgufType::String; });
}

}  // namespace quibble
