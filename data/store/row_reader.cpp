#include "data/store/row_reader.h"

#include <cmath>
#include <limits>

namespace quibble {

std::int64_t RowReader::integer(int column, const char* name, std::int64_t low, std::int64_t high) {
    if (!ok()) return low;
    const SQLite::Column value = row_.getColumn(column);
    if (!value.isInteger()) {
        setFault(name, "is not a whole number");
        return low;
    }
    const std::int64_t number = value.getInt64();
    if (number >= low && number <= high) return number;
    setFault(name, "is " + std::to_string(number) + ", outside " + std::to_string(low) + " to " + std::to_string(high));
    return low;
}

std::int32_t RowReader::integer32(int column, const char* name, std::int32_t low, std::int32_t high) {
    return static_cast<std::int32_t>(integer(column, name, low, high));
}

double RowReader::real(int column, const char* name) {
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    if (!ok()) return kNothing;
    const SQLite::Column value = row_.getColumn(column);
    if (value.isNull()) return kNothing;
    if (value.isFloat() || value.isInteger()) return value.getDouble();
    setFault(name, "is not a number");
    return kNothing;
}

float RowReader::real32(int column, const char* name) {
    const double wide = real(column, name);
    if (std::isfinite(wide) && std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max())) {
        setFault(name, "is too large: " + std::to_string(wide));
        return 0;
    }
    const auto narrow = static_cast<float>(wide);
    // Only values of 32-bit floats are ever stored. A double with more digits is damage.
    if (!std::isnan(wide) && static_cast<double>(narrow) != wide)
        setFault(name, "has more digits than were measured: " + std::to_string(wide));
    return narrow;
}

std::string RowReader::text(int column, const char* name) {
    if (!ok()) return {};
    const SQLite::Column value = row_.getColumn(column);
    if (value.isText()) return value.getString();
    setFault(name, "is not a text");
    return {};
}

std::string_view RowReader::blob(int column, const char* name) {
    if (!ok()) return {};
    const SQLite::Column value = row_.getColumn(column);
    if (!value.isBlob()) {
        setFault(name, "is not a blob");
        return {};
    }
    const auto* bytes = static_cast<const char*>(value.getBlob());
    return bytes == nullptr ? std::string_view{} : std::string_view(bytes, static_cast<std::size_t>(value.getBytes()));
}

void RowReader::setFault(const char* name, const std::string& why) {
    if (!ok()) return;
    const char* owner = table_ == "session" ? "session " : table_ == "vocab" ? "tokenizer " : "run ";
    fault_ = "table " + std::string(table_) + ", " + owner + std::to_string(id_);
    if (position_ >= 0) fault_ += ", position " + std::to_string(position_);
    fault_ += std::string(": ") + name + " " + why;
}

tl::unexpected<Error> RowReader::error() const {
    return fail(ErrorCode::FileCorrupt, fault_, "The session file is damaged: restore a backup, or delete this run");
}

}  // namespace quibble
