// quibble-cli grade: verdicts on answers, with reasons and with how each answer was read. No model is needed.
#include <fstream>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "engine/grading/answer_reader.h"
#include "engine/grading/answer_text.h"
#include "engine/grading/grade.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

struct GradeArguments {
    std::string input = "-", json = "-";
};

Result<std::string> textAt(const nlohmann::json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end()) return std::string();
    if (found->is_number()) return found->dump();
    if (!found->is_string())
        return fail(ErrorCode::InvalidArgument, std::string("\"") + key + "\" is neither a text nor a number");
    return found->get<std::string>();
}

// {"given": an answer alone, or "text": all that a model wrote, "known": the right answer}
Result<Json> graded(const std::string& line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return fail(ErrorCode::InvalidArgument, "not a JSON object");
    auto given = textAt(json, "given"), text = textAt(json, "text"), known = textAt(json, "known");
    for (const auto* part : {&given, &text, &known}) {
        if (!*part) return tl::unexpected(part->error());
    }
    if (known->empty() || given->empty() == text->empty())
        return fail(ErrorCode::InvalidArgument, "it needs \"known\" and one of \"given\" and \"text\"");
    Json out;
    if (!text->empty()) {
        const auto answer = answerIn(*text);
        if (!answer) return Json{{"verdict", verdictText(Verdict::Wrong)}, {"reason", "the text holds no answer"}};
        out["found_by"] = answerRuleText(answer->rule);
        *given = answer->text;
    }
    const Grade grade = gradeAnswer(*given, *known);
    out["verdict"] = verdictText(grade.verdict);
    out["reason"] = grade.reason;
    out["given"] = *given;
    out["given_read_as"] = describe(readAnswer(knownAnswer(*given)));
    out["known_read_as"] = describe(readAnswer(knownAnswer(*known)));
    return out;
}

Result<void> gradeLines(std::istream& in, std::ostream& out) {
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        const std::string where = "line " + std::to_string(number) + ": ";
        if (line.size() > kMaxLineBytes) return fail(ErrorCode::InvalidArgument, where + "longer than 1 MiB");
        const auto result = graded(line);
        if (!result) {
            return fail(ErrorCode::InvalidArgument, where + result.error().what,
                        "Write {\"given\": \"1/2\", \"known\": \"0.5\"}, one object a line");
        }
        out << result->dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    }
    if (in.bad()) return fail(ErrorCode::Io, "the input cannot be read to its end");
    return {};
}

Result<void> execute(const GradeArguments& arguments) {
    auto output = Output::open(arguments.json);
    if (!output) return tl::unexpected(output.error());
    std::ifstream file;
    if (arguments.input != "-") {
        file.open(arguments.input, std::ios::binary);
        if (!file) return fail(ErrorCode::NotFound, "cannot read " + arguments.input, "Check the name");
    }
    if (auto done = gradeLines(arguments.input == "-" ? std::cin : file, (*output)->stream()); !done) return done;
    return (*output)->close();
}

}  // namespace

void addGradeCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<GradeArguments>();
    CLI::App* command = app.add_subcommand("grade", "Verdicts on answers, with how each was read");
    command->add_option("input", arguments->input, "JSON lines {\"given\" or \"text\", \"known\"}; -: standard input");
    command->add_option("--json", arguments->json, "Write the verdicts to this file or -");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
