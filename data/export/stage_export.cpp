#include "data/export/stage_export.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <vector>

#include "data/export/csv_text.h"
#include "data/export/json_text.h"

namespace quibble {

namespace {

constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

double probability(const StageColumn& column, std::size_t row) {
    return row == kNoRow ? column.others : std::exp(static_cast<double>(column.logprob[row]));
}

std::string columnJson(const StageColumn& column) {
    JsonObject object;
    object.string("name", column.name);
    if (column.rule < 0)
        object.raw("rule", "null").number("setting", column.setting);
    else
        object.integer("rule", column.rule)
            .number("least", column.least)
            .number("most", column.most)
            .integer("changed", column.changed)
            .integer("banned", column.banned);
    object.integer("dropped", column.dropped).integer("kept", column.kept).number("others", column.others);
    return column.takes == kNoToken ? object.raw("takes", "null").text() : object.integer("takes", column.takes).text();
}

std::string rowJson(const StageTable& table, std::size_t row) {
    std::string logprobs = "[";
    for (const StageColumn& column : table.columns) {
        const std::string number = numberText(column.logprob[row]);
        logprobs += (logprobs.size() > 1 ? "," : "") + (number.empty() ? "null" : number);
    }
    JsonObject object;
    object.integer("id", table.ids[row]).string("text", replaceInvalidUtf8(table.texts[row]));
    if (!isUtf8(table.texts[row])) object.string("bytes", hexOf(table.texts[row]));
    return object.raw("logprobs", logprobs + "]").number("score", table.score[row]).text();
}

// A token on one line of a text: what would break the line is written as in a CSV cell.
std::string lineText(const std::string& bytes) {
    const std::string cell = cellText(bytes);
    return bytes.empty() ? "" : cell;
}

void pad(std::string& line, const std::string& cell, std::size_t width, bool right) {
    const auto characters =
        static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    const std::string blanks(characters < width ? width - characters : 0, ' ');
    line += right ? blanks + cell : cell + blanks;
}

std::string decimals(double value, const char* format) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, format, value);
    std::string text = buffer;
    std::replace(text.begin(), text.end(), ',', '.');  // whatever the locale writes
    return text;
}

std::string amountOf(const StageColumn& column) {
    if (column.rule < 0) return column.name == "raw" ? "" : numberText(column.setting);
    const std::string least = decimals(column.least, "%+.2f"), most = decimals(column.most, "%+.2f");
    std::string text = column.changed == 0 ? "" : least == most ? least : least + ".." + most;
    if (column.banned > 0) text += (text.empty() ? "" : " ") + std::string("ban ") + std::to_string(column.banned);
    return text;
}

void writeLine(std::ostream& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += "  ";
        pad(line, cells[i], widths[i], i > 0);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
}

std::vector<std::string> rowCells(const StageTable& table, std::size_t row) {
    std::vector<std::string> cells;
    if (row == kNoRow)
        cells.push_back(std::to_string(table.vocabulary - table.rows()) + " others");
    else
        cells.push_back((table.ids[row] == table.chosen ? "* " : "  ") + lineText(table.texts[row]));
    for (const StageColumn& column : table.columns) {
        const double p = probability(column, row);
        cells.push_back(p == 0 ? "-" : p < 0.0005 ? "<0.001" : decimals(p, "%.3f"));
    }
    const bool scored = row != kNoRow && !std::isnan(table.score[row]);
    cells.push_back(scored ? decimals(static_cast<double>(table.score[row]), "%+.2f") : "");
    return cells;
}

}  // namespace

std::string stageTableJson(const StageTable& table) {
    std::string stages = "[", tokens = "[", unchanged = "[";
    for (const StageColumn& column : table.columns) stages += (stages.size() > 1 ? "," : "") + columnJson(column);
    for (std::size_t row = 0; row < table.ids.size(); ++row)
        tokens += (tokens.size() > 1 ? "," : "") + rowJson(table, row);
    for (const int rule : table.unchanged)
        unchanged += (unchanged.size() > 1 ? "," : "") + jsonString(table.rule_ids[static_cast<std::size_t>(rule)]);
    return JsonObject()
        .integer("pos", table.pos)
        .integer("chosen", table.chosen)
        .integer("takes", table.takes)
        .boolean("drawn", table.drawn)
        .boolean("moved", table.moved)
        .integer("vocabulary", table.vocabulary)
        .raw("unchanged", unchanged + "]")
        .raw("stages", stages + "]")
        .raw("tokens", tokens + "]")
        .text();
}

void exportStagesCsv(std::ostream& out, const StageTable& table) {
    out << "id,text";
    for (const StageColumn& column : table.columns) out << ',' << column.name;
    out << ",score\n";
    const auto row = [&](std::size_t at) {
        for (const StageColumn& column : table.columns) {
            const double p = probability(column, at);
            out << ',' << (p == 0 ? std::string() : numberText(p));
        }
        out << ',' << (at == kNoRow ? std::string() : numberText(table.score[at])) << '\n';
    };
    for (std::size_t i = 0; i < table.ids.size(); ++i) {
        out << table.ids[i] << ',' << cellText(table.texts[i]);
        row(i);
    }
    if (table.rows() >= table.vocabulary) return;
    out << ",\"" << table.vocabulary - table.rows() << " others\"";
    row(kNoRow);
}

void exportStagesText(std::ostream& out, const StageTable& table) {
    std::vector<std::vector<std::string>> lines(2, std::vector<std::string>{""});
    lines[0][0] = "position " + std::to_string(table.pos);
    for (const StageColumn& column : table.columns) {
        lines[0].push_back(column.name);
        lines[1].push_back(amountOf(column));
    }
    lines[0].push_back("chosen");
    lines[1].push_back(table.drawn ? "ln p + noise" : "the largest");
    for (std::size_t row = 0; row < table.ids.size(); ++row) lines.push_back(rowCells(table, row));
    if (table.rows() < table.vocabulary) lines.push_back(rowCells(table, kNoRow));
    std::vector<std::size_t> widths(lines[0].size(), 0);
    for (const auto& cells : lines) {
        for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    }
    for (const auto& cells : lines) writeLine(out, cells, widths);
    for (const StageColumn& column : table.columns) {
        if (column.takes == kNoToken || column.takes == table.chosen) continue;
        const auto at =
            static_cast<std::size_t>(std::find(table.ids.begin(), table.ids.end(), column.takes) - table.ids.begin());
        out << "behind " << column.name << " the same noise takes " << lineText(table.texts[at]) << '\n';
    }
    for (const int rule : table.unchanged)
        out << table.rule_ids[static_cast<std::size_t>(rule)] << " changed nothing here\n";
    if (table.moved)
        out << "note: a rule put a text in front of this token after it was sampled; the noise that chose it was that "
               "of its former place\n";
    else if (table.takes != table.chosen)
        out << "note: computed here, the noise takes another token than the run recorded: another version or another "
               "kind of processor made it\n";
}

}  // namespace quibble
