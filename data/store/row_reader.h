// Columns of one row, checked: type, range, length. The first fault is kept, names table, run and position, and makes
// everything after it a no-op. Internal to data/store.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <SQLiteCpp/SQLiteCpp.h>

#include "engine/values/ids.h"
#include "engine/values/result.h"

namespace quibble {

constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr Position kMaxPosition = std::numeric_limits<Position>::max() - 1;  // a position is behind it

class RowReader {
public:
    RowReader(SQLite::Statement& row, std::string_view table, std::int64_t id = 0)
        : row_(row), table_(table), id_(id) {}

    /// Where we are, for messages: the id of the run (session, tokenizer) and a position of it.
    void setId(std::int64_t id) { id_ = id; }
    void setPosition(std::int64_t position) { position_ = position; }

    [[nodiscard]] bool null(int column) const { return row_.isColumnNull(column); }
    [[nodiscard]] std::int64_t integer(int column, const char* name, std::int64_t low, std::int64_t high);
    [[nodiscard]] std::int32_t integer32(int column, const char* name, std::int32_t low = 0,
                                         std::int32_t high = std::numeric_limits<std::int32_t>::max());
    [[nodiscard]] bool flag(int column, const char* name) { return integer(column, name, 0, 1) != 0; }
    /// NULL is NaN.
    [[nodiscard]] double real(int column, const char* name);
    /// NULL is NaN. A double that no float can be is a fault.
    [[nodiscard]] float real32(int column, const char* name);
    [[nodiscard]] std::string text(int column, const char* name);
    /// Valid until the next step of the statement.
    [[nodiscard]] std::string_view blob(int column, const char* name);

    void setFault(const char* name, const std::string& why);
    [[nodiscard]] bool ok() const { return fault_.empty(); }
    [[nodiscard]] tl::unexpected<Error> error() const;

private:
    SQLite::Statement& row_;
    std::string_view table_;
    std::int64_t id_ = 0;
    std::int64_t position_ = -1;
    std::string fault_;
};

}  // namespace quibble
