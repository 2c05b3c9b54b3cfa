#include "engine/device/tuning.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace quibble {

namespace {

constexpr std::size_t kMostFileBytes = std::size_t{1} << 20;
constexpr std::int32_t kMostAhead = 1 << 20;

std::array<std::int32_t, Tuning::kRows.size()> sameFor(std::int32_t ahead) { return {ahead, ahead, ahead, ahead}; }

// How the file calls the way of more rows.
std::string_view manyRowsName(Tuning::Codes codes) { return codes == Tuning::kFloats ? "next outputs" : "together"; }

tl::unexpected<Error> badKey(const std::string& key, const std::string& what) {
    return fail(ErrorCode::InvalidArgument, "tuning: " + key + " " + what,
                "Start from what `quibble-cli bench MODEL --json -` prints under tuning.choices");
}

}  // namespace

std::string_view processorFamily() {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (__builtin_cpu_is("amd")) return "AMD";
    if (__builtin_cpu_is("intel")) return "Intel";
#endif
    return "other";
}

// Zen 5 reads narrow codes 5 to 40 % faster from 4 KiB ahead than from 1.5 KiB, Zen 4 and a Xeon were good with these
// shorter distances. Of floats it reads four rows at a time, so that 6 to 8 KiB are under way.
Tuning tuningOfFamily() {
    Tuning tuning;
    const bool amd = processorFamily() == "AMD";
    tuning.fetch_ahead[Tuning::kNarrow] = sameFor(amd ? 4096 : 1536);
    tuning.fetch_ahead[Tuning::kNarrow].back() = kernels::kManyRows;
    tuning.fetch_ahead[Tuning::kBytes] = sameFor(amd ? 4096 : 2560);
    if (amd)
        tuning.fetch_ahead[Tuning::kFloats] = {1536, 1536, 2048, 2048};
    else
        tuning.fetch_ahead[Tuning::kFloats] = sameFor(kernels::kNextOutputs);
    tuning.f32_blocks = !amd;
    return tuning;
}

nlohmann::ordered_json toJson(const Tuning& tuning) {
    nlohmann::ordered_json json;
    for (const Tuning::Codes codes : {Tuning::kNarrow, Tuning::kBytes, Tuning::kFloats}) {
        nlohmann::ordered_json& ways = json["fetch_ahead"][std::string(Tuning::kCodes[codes])];
        for (std::size_t i = 0; i < Tuning::kRows.size(); ++i) {
            const std::int32_t ahead = tuning.fetch_ahead[codes][i];
            nlohmann::ordered_json& way = ways[std::to_string(Tuning::kRows[i])];
            if (ahead == Tuning::asForManyRows(codes))
                way = manyRowsName(codes);
            else
                way = ahead;
        }
    }
    json["f32_attention"] = tuning.f32_blocks ? "blocks" : "in place";
    return json;
}

Result<Tuning> tuningFromJson(const nlohmann::json& json) {
    Tuning tuning = tuningOfFamily();
    if (!json.is_object()) return badKey("the file", "is not a JSON object");
    for (const auto& [key, value] : json.items()) {
        if (key == "f32_attention") {
            if (value != "blocks" && value != "in place") return badKey(key, "is neither \"blocks\" nor \"in place\"");
            tuning.f32_blocks = value == "blocks";
            continue;
        }
        if (key != "fetch_ahead" || !value.is_object())
            return badKey(key, key == "fetch_ahead" ? "is not an object" : "is unknown");
        for (const auto& [codes, ways] : value.items()) {
            const auto found = std::find(Tuning::kCodes.begin(), Tuning::kCodes.end(), codes);
            if (found == Tuning::kCodes.end() || !ways.is_object())
                return badKey("fetch_ahead." + codes, "is not an object called \"narrow\", \"bytes\" or \"floats\"");
            const auto kind = static_cast<Tuning::Codes>(found - Tuning::kCodes.begin());
            for (const auto& [rows, way] : ways.items()) {
                const auto same = [&named = rows](std::int64_t count) { return named == std::to_string(count); };
                const auto at = std::find_if(Tuning::kRows.begin(), Tuning::kRows.end(), same);
                const std::string name = "fetch_ahead." + codes + "." + rows;
                if (at == Tuning::kRows.end()) return badKey(name, "is no row count; there are 1, 2, 4 and 8");
                std::int32_t& ahead = tuning.fetch_ahead[kind][static_cast<std::size_t>(at - Tuning::kRows.begin())];
                if (way == manyRowsName(kind))
                    ahead = Tuning::asForManyRows(kind);
                else if (way.is_number_integer() && way >= 0 && way <= kMostAhead)
                    ahead = way.get<std::int32_t>();
                else
                    return badKey(name, "is neither \"" + std::string(manyRowsName(kind)) +
                                            "\" nor a number of bytes from 0 to " + std::to_string(kMostAhead));
            }
        }
    }
    return tuning;
}

Result<std::optional<Tuning>> tuningFromEnvironment() {
    const char* name = std::getenv("QUIBBLE_TUNE");
    if (name == nullptr || *name == '\0') return std::nullopt;
    std::ifstream file(name, std::ios::binary);
    std::string text;
    if (file) text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || text.size() > kMostFileBytes) {
        return fail(ErrorCode::InvalidArgument,
                    std::string("QUIBBLE_TUNE: ") + name + (file ? " is too large for a tuning" : " cannot be read"),
                    "Name a file with a tuning, or unset QUIBBLE_TUNE to have this machine measured");
    }
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded())
        return fail(ErrorCode::InvalidArgument, std::string("QUIBBLE_TUNE: ") + name + " is not JSON",
                    "Unset QUIBBLE_TUNE to have this machine measured");
    auto tuning = tuningFromJson(json);
    if (!tuning)
        return fail(ErrorCode::InvalidArgument, std::string("QUIBBLE_TUNE: ") + name + ": " + tuning.error().what,
                    tuning.error().hint);
    return *tuning;
}

std::string TuningChoice::text() const {
    double fastest = 0;
    for (const Candidate& candidate : candidates)
        fastest = fastest == 0 ? candidate.time : std::min(fastest, candidate.time);
    std::string line = candidates[chosen].way + " (" + why + ")";
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        char ratio[32];
        std::snprintf(ratio, sizeof ratio, " %.2f", fastest > 0 ? candidates[i].time / fastest : 1.0);
        line += (i == 0 ? ": " : ", ") + candidates[i].way + ratio;
    }
    return line;
}

}  // namespace quibble
