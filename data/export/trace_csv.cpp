#include <ostream>

#include <nlohmann/json.hpp>

#include "data/export/csv_text.h"
#include "data/export/json_text.h"
#include "data/export/trace_export.h"
#include "engine/values/run_json.h"

namespace quibble {

namespace {

constexpr const char* kHeader =
    "pos,id,text,logprob,rank,entropy,kl,ref_entropy,marker_mass,penalized,without_penalty_id,varentropy,ref_"
    "varentropy,ref_logprob,ref_rank,"
    "marker_mass_after,penalty,thinking,marker,injected,intervened,time_ns,top,top_after,ref_top,origin,round,experts";

// "id:logprob id:logprob"
std::string cellList(const std::vector<Alternative>& alternatives) {
    std::string out;
    for (const Alternative& alternative : alternatives) {
        if (!out.empty()) out += ' ';
        out += std::to_string(alternative.id) + ':' + numberText(alternative.logprob);
    }
    return out;
}

// "3 5|1 2": the experts of each layer.
std::string cellExperts(const TokenExperts& experts) {
    std::string out;
    for (std::size_t i = 0; i < experts.ids.size(); ++i) {
        if (i > 0) out += i % static_cast<std::size_t>(experts.per_token) == 0 ? '|' : ' ';
        out += std::to_string(experts.ids[i]);
    }
    return out;
}

// A spreadsheet cuts a comment line into cells. A character that could begin a formula behind such a cut is written as
// an escape of JSON.
std::string withoutFormulas(const std::string& json) {
    std::string out;
    bool text = false, escaped = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        const bool behind_quote = text && i > 1 && json[i - 1] == '"';
        const char before = behind_quote ? json[i - 2] : i > 0 ? json[i - 1] : '\0';
        if (text && !escaped && beginsFormula(c) && (before == ',' || before == ';'))
            out += "\\u00" + hexOf(std::string_view(&c, 1));
        else
            out += c;
        if (c == '"' && !escaped) text = !text;
        escaped = text && !escaped && c == '\\';
    }
    return out;
}

void writeComments(std::ostream& out, const std::string& prefix, const nlohmann::json& object) {
    for (const auto& [key, value] : object.items()) {
        if (value.is_object() && !value.empty()) {
            writeComments(out, prefix + key + ".", value);
            continue;
        }
        // A dumped string has no line ends of its own; one that needs no escapes is written without its quotes.
        std::string text = withoutFormulas(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        if (value.is_string() && text.find('\\') == std::string::npos) text = text.substr(1, text.size() - 2);
        out << "# " << prefix << key << ": " << text << '\n';
    }
}

void writeRow(std::ostream& out, const TracePoint& point, const RunTrace& trace) {
    const TokenRecord& t = point.token;
    const ReferenceRecord& r = point.reference;
    const auto flag = [](bool value) { return value ? "1," : "0,"; };
    std::string row = std::to_string(t.pos) + ',' + std::to_string(t.id) + ',' + cellText(trace.text(t.id)) + ',';
    row += numberText(t.logprob) + ',' + std::to_string(t.rank) + ',' + numberText(t.entropy) + ',' + numberText(r.kl) +
           ',';
    row += numberText(r.entropy) + ',' + numberText(t.marker_mass) + ',' + flag(t.penalized) +
           std::to_string(t.without_penalty_id) + ',';
    row += numberText(t.varentropy) + ',' + numberText(r.varentropy) + ',' + numberText(r.logprob) + ',';
    row += (point.hasReference() ? std::to_string(r.rank) : "") + ',' + numberText(t.marker_mass_after) + ',' +
           numberText(t.penalty) + ',';
    row += std::string(flag(t.thinking)) + flag(t.marker) + flag(t.injected) + flag(t.intervened()) +
           std::to_string(t.time_ns) + ',';
    row += cellList(t.top) + ',' + cellList(t.top_after) + ',' + cellList(r.top) + ',';
    const DraftRound* round = trace.roundAt(t.pos);
    const TokenExperts* experts = trace.expertsAt(t.pos);
    row += std::string(tokenOriginText(trace.originAt(t.pos))) + ',' +
           (round != nullptr ? std::to_string(round - trace.draftRounds().data()) : "") + ',';
    out << row + (experts != nullptr ? cellExperts(*experts) : "") + '\n';
}

}  // namespace

void exportCsv(std::ostream& out, const RunTrace& trace, ExportRange range, const std::stop_token& stop) {
    writeComments(out, "", toJson(trace.provenance()));
    writeComments(out, "request.", toJson(trace.request()));
    for (const ControlChange& change : trace.controls()) {
        const auto* text = std::get_if<std::string>(&change.value);
        out << "# control: " + std::to_string(change.pos) + ' ' << withoutFormulas(jsonString(change.key)) << ' '
            << (text != nullptr ? withoutFormulas(jsonString(*text)) : numberText(change.number())) << '\n';
    }
    writeComments(out, "summary.", nlohmann::json::parse(summaryJson(trace))["summary"]);
    out << kHeader << '\n';
    for (const TracePoint& point : trace.points()) {
        if (stop.stop_requested()) return;
        if (point.token.pos >= range.from && point.token.pos < range.to) writeRow(out, point, trace);
    }
}

}  // namespace quibble
