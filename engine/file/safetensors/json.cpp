#include "engine/file/safetensors/json.h"

#include "engine/text/utf8.h"

namespace quibble {
namespace {

constexpr std::size_t kShownBytes = 80;

// How deep brackets outside of strings nest, counted without recursion.
int depthOf(std::string_view text) {
    int depth = 0, deepest = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted) {
            if (c == '\\')
                ++at;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

}  // namespace

Result<nlohmann::json> parseJsonObject(std::string_view text, const std::string& where, JsonLimits limits) {
    if (text.size() > limits.bytes) {
        return fail(
            ErrorCode::Unsupported,
            where + ": " + std::to_string(text.size()) + " bytes of JSON; the limit is " + std::to_string(limits.bytes),
            "Published files are far smaller: check that this is the right file");
    }
    if (const int depth = depthOf(text); depth > limits.depth) {
        return fail(
            ErrorCode::Unsupported,
            where + ": JSON nested " + std::to_string(depth) + " deep; the limit is " + std::to_string(limits.depth),
            "Published files are far flatter: check that this is the right file");
    }
    try {
        nlohmann::json value = nlohmann::json::parse(text);
        if (value.is_object()) return value;
    } catch (const nlohmann::json::parse_error& error) {
        return fail(ErrorCode::FileCorrupt, where + ": not valid JSON (byte " + std::to_string(error.byte) + ")",
                    "The file may be damaged: copy or download it again");
    } catch (const nlohmann::json::out_of_range&) {
        return fail(ErrorCode::FileCorrupt, where + ": not valid JSON (a number beyond all range)",
                    "The file may be damaged: copy or download it again");
    }
    return fail(ErrorCode::FileCorrupt, where + ": not a JSON object",
                "The file may be damaged: copy or download it again");
}

std::string shownName(std::string_view name) {
    std::string cut = toValidUtf8(name.substr(0, std::min(name.size(), kShownBytes)));
    return nlohmann::json(std::move(cut)).dump() + (name.size() > kShownBytes ? "..." : "");
}

const nlohmann::json* jsonMember(const nlohmann::json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

const nlohmann::json* jsonObject(const nlohmann::json& object, const char* name) {
    const nlohmann::json* member = jsonMember(object, name);
    return member != nullptr && member->is_object() ? member : nullptr;
}

const nlohmann::json* jsonArray(const nlohmann::json& object, const char* name) {
    const nlohmann::json* member = jsonMember(object, name);
    return member != nullptr && member->is_array() ? member : nullptr;
}

const std::string* jsonText(const nlohmann::json& object, const char* name) {
    const nlohmann::json* member = jsonMember(object, name);
    return member == nullptr ? nullptr : member->get_ptr<const std::string*>();
}

bool jsonFlag(const nlohmann::json& object, const char* name, bool fallback) {
    const nlohmann::json* member = jsonMember(object, name);
    return member != nullptr && member->is_boolean() ? member->get<bool>() : fallback;
}

}  // namespace quibble
