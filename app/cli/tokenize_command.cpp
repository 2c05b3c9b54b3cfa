// quibble-cli tokenize: a text to token ids, exactly as the engine encodes.
#include <iostream>
#include <optional>
#include <sstream>

#include "app/cli/cli.h"
#include "engine/text/tokenizer.h"

namespace quibble::cli {

namespace {

struct TokenizeArguments {
    std::string model, input = "-";
    bool special = false, bos = false, hex_lines = false;
};

std::optional<std::string> fromHex(const std::string& hex) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    if (hex.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = digit(hex[i]), low = digit(hex[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high * 16 + low);
    }
    return bytes;
}

void printIds(const std::vector<TokenId>& ids) {
    for (std::size_t i = 0; i < ids.size(); ++i) std::cout << (i == 0 ? "" : " ") << ids[i];
    std::cout << '\n';
}

Result<void> execute(const TokenizeArguments& arguments) {
    auto file = ModelFile::open(arguments.model);
    if (!file) return tl::unexpected(file.error());
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    const auto text = readBytes(arguments.input);
    if (!text) return tl::unexpected(text.error());
    const EncodeOptions options{
        .parse_special = arguments.special, .add_bos = false, .vocabulary_bos_eos = arguments.bos};
    if (!arguments.hex_lines) {
        printIds((*tokenizer)->encode(*text, options));
        return {};
    }
    std::istringstream lines(*text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const auto bytes = fromHex(line);
        if (!bytes)
            return fail(ErrorCode::InvalidArgument,
                        "line " + std::to_string(number) + " of the input is not hexadecimal");
        printIds((*tokenizer)->encode(*bytes, options));
    }
    return {};
}

}  // namespace

void addTokenizeCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<TokenizeArguments>();
    CLI::App* command = app.add_subcommand("tokenize", "Token ids of a text");
    command->add_option("model", arguments->model, std::string(kModelHelp) + "; a vocabulary-only GGUF file will do")
        ->required();
    command->add_option("--prompt-file", arguments->input, "File with the text, byte for byte, or - for standard input")
        ->capture_default_str();
    command->add_flag("--special", arguments->special, "Recognise special tokens in the text");
    command->add_flag("--bos", arguments->bos, "Add beginning and end tokens as the vocabulary asks");
    command->add_flag("--hex-lines", arguments->hex_lines,
                      "Each input line is one hex-encoded string; one line of ids for each");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
