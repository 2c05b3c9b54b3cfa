// How values are written: {{ value }}, Python's repr, JSON.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "engine/text/jinja/value.h"
#include "engine/text/utf8.h"

namespace quibble::jinja {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void appendHex(std::string& out, char32_t value, int digits) {
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[(value >> shift) & 15];
}

std::string reprOfString(std::string_view text) {
    const bool double_quotes = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
    const char quote = double_quotes ? '"' : '\'';
    std::string out(1, quote);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == quote || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (byte < 0x20 || byte == 0x7F) {
            out += "\\x";
            appendHex(out, byte, 2);
        } else {
            out += c;
        }
    }
    return out + quote;
}

void appendJsonString(std::string& out, std::string_view raw, bool ascii) {
    const std::string text = toValidUtf8(raw);
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8Length(text, at);
        const char32_t c = utf8Decode(text, at, length);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20) {
            constexpr std::string_view kShort = "btn fr";  // U+0008 .. U+000D, without U+000B
            if (c >= 8 && c <= 13 && c != 11) {
                out += '\\';
                out += kShort[c - 8];
            } else {
                out += "\\u";
                appendHex(out, c, 4);
            }
        } else if (ascii && c >= 0x7F && c != 0x7F) {
            const auto unit = [&out](char32_t value) {
                out += "\\u";
                appendHex(out, value, 4);
            };
            if (c >= 0x10000) {
                unit(0xD800 + ((c - 0x10000) >> 10));
                unit(0xDC00 + ((c - 0x10000) & 0x3FF));
            } else {
                unit(c);
            }
        } else {
            out.append(text, at, length);
        }
        at += length;
    }
    out += '"';
}

class JsonWriter {
public:
    explicit JsonWriter(const JsonStyle& style) : style_(style) {}

    void write(const Value& value, int depth) {
        if (value.isString()) {
            appendJsonString(out, value.text(), style_.ascii);
        } else if (value.isBoolean()) {
            out += value.truthy() ? "true" : "false";
        } else if (value.isInteger()) {
            out += std::to_string(value.asInteger());
        } else if (value.isReal()) {
            const double real = value.asReal();
            out += std::isnan(real)   ? "NaN"
                   : std::isinf(real) ? (real > 0 ? "Infinity" : "-Infinity")
                                      : realToText(real);
        } else if (value.isList()) {
            writeList(value.items(), depth);
        } else if (value.isDict() || value.isNamespace()) {
            writeDict(value.entries(), depth);
        } else {
            out += "null";
        }
    }

    std::string out;

private:
    void separate(bool first, int depth) {
        // With an indent, the white space of the item separator gives way to the line break, as in Python.
        if (!first) out += style_.indent >= 0 && style_.item_separator == ", " ? "," : style_.item_separator;
        breakLine(depth);
    }
    void breakLine(int depth) {
        if (style_.indent < 0) return;
        out += '\n';
        out.append(static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(depth), ' ');
    }
    void writeList(const std::vector<Value>& items, int depth) {
        if (items.empty()) {
            out += "[]";
            return;
        }
        out += '[';
        for (std::size_t i = 0; i < items.size(); ++i) {
            separate(i == 0, depth + 1);
            write(items[i], depth + 1);
        }
        breakLine(depth);
        out += ']';
    }
    void writeDict(const std::vector<std::pair<std::string, Value>>& entries, int depth) {
        if (entries.empty()) {
            out += "{}";
            return;
        }
        std::vector<const std::pair<std::string, Value>*> order;
        order.reserve(entries.size());
        for (const auto& entry : entries) order.push_back(&entry);
        if (style_.sort_keys)
            std::stable_sort(order.begin(), order.end(),
                             [](const auto* a, const auto* b) { return a->first < b->first; });
        out += '{';
        for (std::size_t i = 0; i < order.size(); ++i) {
            separate(i == 0, depth + 1);
            appendJsonString(out, order[i]->first, style_.ascii);
            out += style_.key_separator;
            write(order[i]->second, depth + 1);
        }
        breakLine(depth);
        out += '}';
    }

    const JsonStyle& style_;
};

}  // namespace

std::string realToText(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char buffer[64];
    const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    const std::string text(buffer, scientific.ptr);
    const int exponent = std::atoi(text.c_str() + text.find('e') + 1);
    if (value != 0 && (exponent < -4 || exponent >= 16)) return text;
    const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    std::string out(buffer, fixed.ptr);
    if (out.find('.') == std::string::npos) out += ".0";
    return out;
}

std::string toRepr(const Value& value) {
    if (value.isString()) return reprOfString(value.text());
    if (value.isList()) {
        std::string out = value.isTuple() ? "(" : "[";
        for (std::size_t i = 0; i < value.items().size(); ++i) {
            if (i > 0) out += ", ";
            out += toRepr(value.items()[i]);
        }
        if (value.isTuple() && value.items().size() == 1) out += ',';
        return out + (value.isTuple() ? ")" : "]");
    }
    if (value.isDict()) {
        std::string out = "{";
        for (std::size_t i = 0; i < value.entries().size(); ++i) {
            if (i > 0) out += ", ";
            out += reprOfString(value.entries()[i].first) + ": " + toRepr(value.entries()[i].second);
        }
        return out + "}";
    }
    if (value.isUndefined()) return "Undefined";
    return toText(value);
}

std::string toText(const Value& value) {
    if (value.isString()) return value.text();
    if (value.isUndefined()) return {};
    if (value.isNone()) return "None";
    if (value.isBoolean()) return value.truthy() ? "True" : "False";
    if (value.isInteger()) return std::to_string(value.asInteger());
    if (value.isReal()) return realToText(value.asReal());
    if (value.isList() || value.isDict()) return toRepr(value);
    std::string out = "<";
    out += value.kindName();
    return out + ">";
}

std::string toJson(const Value& value, const JsonStyle& style) {
    JsonWriter writer(style);
    writer.write(value, 0);
    return std::move(writer.out);
}

}  // namespace quibble::jinja
