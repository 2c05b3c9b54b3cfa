// How the kernels are to go about their work where the fastest way differs between machines. No bit of a result depends
// on any of it (kernels/op_table.h), so it may be measured, guessed or pinned.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"
#include "kernels/op_table.h"

namespace quibble {

struct Tuning {
    /// Rows of a pass for which the way is chosen. A count between two of them goes the way of the larger one; more
    /// rows than the last always meet several panels together.
    static constexpr std::array<std::int64_t, 4> kRows{1, 2, 4, 8};
    /// Packed weights come in two kinds: codes of 8 bits are slow to read, narrower ones are slow to multiply. Weights
    /// of 16 and 32 bits are used as they lie in the file.
    enum Codes : std::size_t { kNarrow, kBytes, kFloats };
    static constexpr std::array<std::string_view, 3> kCodes{"narrow", "bytes", "floats"};

    /// For a kind of codes and one of kRows: what MatmulPackedArgs::fetch_ahead is, or of kFloats
    /// MatmulArgs::fetch_ahead.
    std::array<std::array<std::int32_t, kRows.size()>, kCodes.size()> fetch_ahead{};
    /// Many queries unpack keys and values of F32 into shared blocks, as they do those of other types, instead of
    /// reading them where they lie.
    bool f32_blocks = false;

    bool operator==(const Tuning&) const = default;

    /// Of packed weights.
    [[nodiscard]] static Codes codesOf(kernels::TensorType type) {
        return type == kernels::TensorType::Q8_0 ? kBytes : kNarrow;
    }
    [[nodiscard]] std::int32_t fetchAhead(Codes codes, std::int64_t n_rows) const {
        for (std::size_t i = 0; i < kRows.size(); ++i) {
            if (n_rows <= kRows[i]) return fetch_ahead[codes][i];
        }
        return asForManyRows(codes);
    }
    /// The way of more rows, which fewer may go too.
    [[nodiscard]] static std::int32_t asForManyRows(Codes codes) {
        return codes == kFloats ? kernels::kNextOutputs : kernels::kManyRows;
    }
};

/// What was found good on processors of this maker: the way until something is measured, and where measuring does not
/// decide.
[[nodiscard]] Tuning tuningOfFamily();
/// "AMD", "Intel" or "other": whose values tuningOfFamily() gives.
[[nodiscard]] std::string_view processorFamily();

/// {"fetch_ahead": {"narrow": {"1": 4096, "2": 4096, "4": 4096, "8": "together"}, "bytes": {...}, "floats": {"1": 1536,
/// ..., "8": "next outputs"}}, "f32_attention": "blocks"}
[[nodiscard]] nlohmann::ordered_json toJson(const Tuning& tuning);
/// What is not named stays as it is in tuningOfFamily(). Errors: InvalidArgument, with the key.
[[nodiscard]] Result<Tuning> tuningFromJson(const nlohmann::json& json);
/// The contents of the file that QUIBBLE_TUNE names; nothing where the variable is not set. Errors: InvalidArgument.
[[nodiscard]] Result<std::optional<Tuning>> tuningFromEnvironment();

/// One measured choice.
struct TuningChoice {
    struct Candidate {
        std::string way;  // "no fetching", "4096 bytes ahead", "panels together", "next outputs"
        double time = 0;  // median; nanoseconds a kilobyte of weights, or microseconds a call
    };
    std::string what;  // "narrow codes, 2 rows"
    std::vector<Candidate> candidates;
    std::size_t chosen = 0;
    std::string why;  // "faster than 1536 bytes ahead in 5 of 5 rounds"

    /// "4096 bytes ahead (fastest): no fetching 1.31, 4096 bytes ahead 1.00"; a time of 1 is that of the fastest.
    [[nodiscard]] std::string text() const;
};

}  // namespace quibble
