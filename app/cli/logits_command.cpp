// quibble-cli logits: the raw logits of every position of a given token sequence, as a NumPy file.
#include <cstring>
#include <fstream>
#include <sstream>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/numbers.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "engine/model/model.h"
#include "engine/quant/weights/weight_quantizer.h"

namespace quibble::cli {

namespace {

struct LogitsArguments {
    std::string model, tokens, out, quant = "none", arithmetic = "native";
    int threads = 0, chunk = 0;
};

Result<std::vector<TokenId>> readTokens(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(ErrorCode::NotFound, "cannot read " + path);
    std::ostringstream read;
    read << in.rdbuf();
    const std::string bytes = read.str();
    if (in.bad() || (bytes.empty() && in.fail()))
        return fail(ErrorCode::Io, "cannot read " + path, "Choose a file of token ids");
    if (bytes.empty() || bytes.size() % sizeof(TokenId) != 0) {
        return fail(ErrorCode::FileCorrupt,
                    path + " has " + std::to_string(bytes.size()) + " bytes, which is no list of 32-bit token ids");
    }
    std::vector<TokenId> ids(bytes.size() / sizeof(TokenId));
    std::memcpy(ids.data(), bytes.data(), bytes.size());
    return ids;
}

// Format version 1.0: magic, header length, a Python literal padded so that the data is aligned to 64 bytes.
std::string npyHeader(std::size_t rows, std::size_t cols) {
    std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(cols) + "), }";
    const std::size_t prefix = 10;
    text.append(64 - (prefix + text.size() + 1) % 64, ' ');
    text += '\n';
    std::string header("\x93NUMPY\x01\x00", 8);
    header += static_cast<char>(text.size() & 255);
    header += static_cast<char>(text.size() >> 8);
    return header + text;
}

Result<void> execute(const LogitsArguments& arguments) {
    auto tokens = readTokens(arguments.tokens);
    if (!tokens) return tl::unexpected(tokens.error());
    LoadOptions options;
    auto method = readMethod(arguments.quant, &findWeightQuantizer);
    if (!method) return tl::unexpected(method.error());
    options.weight_quant = *method;
    options.packed = arguments.arithmetic != "f32";
    auto model = Model::load(arguments.model, options);
    if (!model) return tl::unexpected(model.error());
    CpuDevice device(arguments.threads);
    auto sequence = Sequence::create(*model, device, static_cast<Position>(tokens->size()),
                                     arguments.arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native);
    if (!sequence) return tl::unexpected(sequence.error());
    auto output = Output::open(arguments.out);
    if (!output) return tl::unexpected(output.error());

    const auto vocab = static_cast<std::size_t>((*model)->config().vocab_size);
    const std::size_t chunk =
        arguments.chunk > 0 ? static_cast<std::size_t>(arguments.chunk) : static_cast<std::size_t>(Sequence::kMaxRows);
    (*output)->stream() << npyHeader(tokens->size(), vocab);
    std::vector<float> logits(std::min(chunk, tokens->size()) * vocab);
    const Interrupt interrupt;
    Result<void> fed;
    std::size_t done = 0;
    for (std::size_t n = 0; done < tokens->size(); done += n) {
        n = std::min(chunk, tokens->size() - done);
        fed = (*sequence)->append({tokens->data() + done, n}, static_cast<std::int64_t>(n), logits.data(),
                                  interrupt.token());
        if (!fed) break;
        (*output)->stream().write(reinterpret_cast<const char*>(logits.data()),
                                  static_cast<std::streamsize>(n * vocab * sizeof(float)));
    }
    if (!fed && (*output)->isFile()) {
        // What was computed stays, under a header that says how much it is; all headers of this kind are of one length.
        (*output)->stream().seekp(0);
        (*output)->stream() << npyHeader(done, vocab);
    }
    if (auto closed = (*output)->close(); !closed) return closed;
    if (fed) return {};
    return fail(
        fed.error().code, fed.error().what,
        "The first " + std::to_string(done) + " of " + std::to_string(tokens->size()) + " positions were written");
}

}  // namespace

void addLogitsCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<LogitsArguments>();
    CLI::App* command = app.add_subcommand("logits", "Logits of every position of a token sequence");
    command->add_option("model", arguments->model, kModelHelp)->required();
    command->add_option("--tokens", arguments->tokens, "File of little-endian 32-bit token ids; nothing is added")
        ->required();
    command->add_option("--out", arguments->out, "NumPy file, float32 [positions, vocabulary]")->required();
    command->add_option("--quant", arguments->quant, "Quantize in place, as in run")->capture_default_str();
    command->add_option("--arithmetic", arguments->arithmetic, "native or f32")
        ->check(CLI::IsMember({"native", "f32"}))
        ->capture_default_str();
    addNumber(*command, "--threads", arguments->threads, "0: all cores", 0, 256);
    addNumber(*command, "--chunk", arguments->chunk, "Tokens a call; 0: as many as one pass takes", 0);
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
