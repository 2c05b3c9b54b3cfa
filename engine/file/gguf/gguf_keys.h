// Keys of a model file by type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/file/model_file.h"

namespace quibble {

/// Reads keys and keeps the first fault: a key that is there but of another kind. Taking it for absent would run
/// another model, so whoever reads asks for the fault in the end. Every getter gives nothing when the key is missing or
/// of another kind.
class TypedKeys {
public:
    explicit TypedKeys(const ModelFile& file) : file_(file) {}

    std::optional<bool> truth(std::string_view key) { return known(key, file_.getBool(key), "true or false"); }
    std::optional<std::string_view> text(std::string_view key) { return known(key, file_.getString(key), "a text"); }
    std::optional<double> number(std::string_view key) { return known(key, file_.getFloat(key), "a number"); }
    const GgufArray* texts(std::string_view key);
    const GgufArray* wholeNumbers(std::string_view key);
    const GgufArray* numbers(std::string_view key);

    [[nodiscard]] bool has(std::string_view key) const { return file_.value(key) != nullptr; }
    [[nodiscard]] const ModelFile& file() const { return file_; }
    void setFault(std::string text) {
        if (fault_.empty()) fault_ = std::move(text);
    }
    [[nodiscard]] const std::string& fault() const { return fault_; }

    template <typename Value>
    std::optional<Value> known(std::string_view key, std::optional<Value> value, const char* kind) {
        if (!value && has(key)) setFault(std::string(key) + " is not " + kind);
        return value;
    }

private:
    template <typename Fits>
    const GgufArray* list(std::string_view key, const char* kind, Fits fits);

    const ModelFile& file_;
    std::string fault_;
};

}  // namespace quibble
