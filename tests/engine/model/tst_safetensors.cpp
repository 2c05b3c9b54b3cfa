// Published checkpoints: every architecture gives the logits of its GGUF file, whole or cut into parts; what contradicts itself or
// cannot run is refused by name.
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <cstring>

#include "engine/device/cpu_device.h"
#include "engine/model/model_cache.h"
#include "engine/model/sequence.h"
#include "engine/model/synth_blocks.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;
using nlohmann::json;

namespace {

std::vector<float> logitsOf(const std::shared_ptr<const Model>& model, std::span<const TokenId> tokens, Arithmetic arithmetic = Arithmetic::F32) {
    CpuDevice device(2);
    auto sequence = Sequence::create(model, device, static_cast<Position>(tokens.size()), arithmetic);
    std::vector<float> logits(tokens.size() * static_cast<std::size_t>(model->config().vocab_size));
    if (!(*sequence)->append(tokens, static_cast<std::int64_t>(tokens.size()), logits.data())) logits.clear();
    return logits;
}

// Largest difference in units of the standard deviation of `expected`; infinite when the sizes differ.
double distance(const std::vector<float>& made, const std::vector<float>& expected) {
    if (made.size() != expected.size() || expected.empty()) return INFINITY;
    double sum = 0, squares = 0, largest = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
        const auto value = static_cast<double>(expected[i]);
        sum += value;
        squares += value * value;
        largest = std::max(largest, std::abs(static_cast<double>(made[i]) - value));
    }
    const auto count = static_cast<double>(made.size());
    return largest / std::sqrt(squares / count - sum / count * (sum / count));
}

std::shared_ptr<const Model> opened(const std::filesystem::path& path) {
    auto model = Model::load(path, {});
    if (!model) qWarning("%s", model.error().line().c_str());
    return model ? *model : nullptr;
}

RandomShape shaped(const char* architecture, int experts = 0, kernels::TensorType type = kernels::TensorType::F32) {
    RandomShape shape;
    shape.architecture = architecture;
    shape.experts = experts;
    shape.experts_used = experts > 0 ? 2 : 0;
    shape.type = type;
    return shape;
}

// As gpt-oss is published: experts in MXFP4 blocks, everything else in BF16.
RandomModel expertsInBlocksOf(const RandomShape& shape) {
    RandomModel random = makeRandomModel(shape);
    for (RandomTensor& tensor : random.tensors) {
        if (!tensor.name.ends_with("_exps.weight")) continue;
        tensor.type = kernels::TensorType::MXFP4;
        tensor.bytes.assign(tensor.dims[0] * tensor.dims[1] * tensor.dims[2] / 32 * 17, '\0');
        fillRandomWeights(tensor.type, tensor.dims[0] + tensor.name.size(), std::as_writable_bytes(std::span(tensor.bytes.data(), tensor.bytes.size())));
    }
    return random;
}

struct Named {
    const char* name;
    RandomShape shape;
};
std::vector<Named> shapes() {
    using kernels::TensorType;
    std::vector<Named> all = {{"llama", shaped("llama")},          {"llama, F16", shaped("llama", 0, TensorType::F16)}, {"mixtral", shaped("llama", 4)},
                              {"qwen2, BF16", shaped("qwen2", 0, TensorType::BF16)}, {"qwen3", shaped("qwen3")},        {"qwen3moe", shaped("qwen3moe", 6)},
                              {"olmoe, F16", shaped("olmoe", 5, TensorType::F16)}};
    Named gpt_oss{"gpt-oss", shaped("gpt-oss", 6)};
    gpt_oss.shape.n_layers = 3;
    all.push_back(gpt_oss);
    gpt_oss.name = "gpt-oss, BF16, YaRN";
    gpt_oss.shape.type = TensorType::BF16;
    gpt_oss.shape.keys = {{"rope.scaling.type", std::string("yarn")}, {"rope.scaling.factor", 32.0F}, {"rope.scaling.original_context_length", std::uint32_t{64}},
                          {"rope.freq_base", 150000.0F}, {"rope.scaling.yarn_truncate", false}};
    all.push_back(gpt_oss);
    Named tied{"llama, tied, biases", shaped("llama")};
    tied.shape.tied_output = tied.shape.biases = true;
    Named uneven{"qwen3, tied, odd sizes", shaped("qwen3")};
    uneven.shape.tied_output = true;
    uneven.shape.d_ff = 101;
    uneven.shape.head_dim = 24;
    all.push_back(tied);
    all.push_back(uneven);
    return all;
}

// A folder with a small model in it, to be damaged.
struct Folder {
    QTemporaryDir directory;
    std::filesystem::path path = directory.path().toStdString();
    json config, tokenizer, tokenizer_config;
    std::vector<PublishedTensor> tensors;

    explicit Folder(const RandomShape& shape = shaped("qwen2")) {
        const auto loaded = load(makeRandomModel(shape), {});
        config = publishedConfig(*loaded->file);
        tokenizer = publishedTokenizer(*loaded->file);
        tokenizer_config = publishedTokenizerConfig(*loaded->file);
        tensors = publishedTensors(*loaded->file);
        writeCheckpoint(*loaded->file, path);
    }
    void rewrite() const {
        writeText(path / "config.json", config.dump());
        writeText(path / "tokenizer.json", tokenizer.dump());
        writeText(path / "tokenizer_config.json", tokenizer_config.dump());
        writeText(path / "model.safetensors", safetensorsBytes(tensors));
    }
    /// Empty when it opens.
    [[nodiscard]] std::string refusal(const char* name = "") const {
        const auto file = ModelFile::open(path / name);
        if (!file) return file.error().hint.empty() ? "an error without a hint: " + file.error().what : file.error().line();
        const auto model = Model::load(path / name, {});
        return model ? "" : model.error().line();
    }
};

std::string headerOnly(const std::string& json_text, const std::string& data = {}) {
    const std::uint64_t length = json_text.size();
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes + json_text + data;
}

}  // namespace

class TestSafetensors : public QObject {
    Q_OBJECT

private slots:
    void everyArchitecture_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Named& one : shapes()) QTest::newRow(one.name) << index++;
    }
    void everyArchitecture() {
        QFETCH(int, index);
        const RandomShape shape = shapes()[static_cast<std::size_t>(index)].shape;
        const auto gguf = load(makeRandomModel(shape), {});
        QVERIFY2(gguf.has_value(), gguf ? "" : gguf.error().line().c_str());
        const QTemporaryDir directory;
        const std::filesystem::path folder = directory.path().toStdString();
        writeCheckpoint(*gguf->file, folder / "one");
        writeCheckpoint(*gguf->file, folder / "three", 3);
        const auto tokens = randomTokens(40, shape.vocab, 3);
        const auto expected = logitsOf(gguf->model, tokens);

        const auto whole = opened(folder / "one");
        QVERIFY(whole != nullptr);
        QCOMPARE(whole->file()->format(), std::string("safetensors"));
        QCOMPARE(whole->config().name, std::string("one"));
        QCOMPARE(whole->parameters(), gguf->model->parameters());
        QCOMPARE(whole->tokenizer()->hash(), gguf->model->tokenizer()->hash());
        QVERIFY(whole->storedUnquantized());
        const auto made = logitsOf(whole, tokens);
        // Halves add up in another order than adjacent pairs do.
        if (shape.architecture == "llama") QVERIFY2(distance(made, expected) < 1e-5, qPrintable(QString::number(distance(made, expected))));
        else QVERIFY(made == expected);

        for (const char* name : {"three", "three/model.safetensors.index.json", "three/model-00002-of-00003.safetensors", "one/model.safetensors"}) {
            const auto parts = opened(folder / name);
            QVERIFY2(parts != nullptr, name);
            QVERIFY2(logitsOf(parts, tokens) == made, name);
            QCOMPARE(parts->file()->paths().size(), std::size_t{name[0] == 't' ? 3U : 1U});
        }
    }

    void expertsInBlocks() {
        const RandomShape shape = shaped("gpt-oss", 5, kernels::TensorType::BF16);
        const auto gguf = load(expertsInBlocksOf(shape), {});
        QVERIFY2(gguf.has_value(), gguf ? "" : gguf.error().line().c_str());
        const QTemporaryDir directory;
        const std::filesystem::path folder = directory.path().toStdString();
        writeCheckpoint(*gguf->file, folder, 2);
        const auto model = opened(folder);
        QVERIFY(model != nullptr);
        for (const ModelTensor& expected : gguf->file->tensors()) {
            const ModelTensor* made = model->file()->tensor(expected.name);
            QVERIFY2(made != nullptr && made->dims == expected.dims && made->type == expected.type && made->bytes == expected.bytes, expected.name.c_str());
            std::vector<std::byte> rows(made->bytes);
            made->readRows(0, made->rowCount(), rows.data());
            QVERIFY2(std::memcmp(rows.data(), expected.data, expected.bytes) == 0, expected.name.c_str());
            if (made->made_rows == nullptr) continue;
            std::vector<std::byte> row(made->rowBytes());  // singly, as the rest of an expert
            made->readRows(made->rowCount() - 1, made->rowCount(), row.data());
            QVERIFY2(std::memcmp(row.data(), expected.data + expected.bytes - row.size(), row.size()) == 0, expected.name.c_str());
        }
        const auto tokens = randomTokens(40, shape.vocab, 3);
        QVERIFY(logitsOf(model, tokens, Arithmetic::Native) == logitsOf(gguf->model, tokens, Arithmetic::Native));
    }

    // The experts are never in memory twice: what is packed replaces them, and the joined form is not kept.
    void expertsAreJoinedOneAtATime() {
        const RandomShape shape = shaped("gpt-oss", 5, kernels::TensorType::BF16);
        const auto gguf = load(expertsInBlocksOf(shape), {});
        QVERIFY(gguf.has_value());
        const QTemporaryDir directory;
        writeCheckpoint(*gguf->file, directory.path().toStdString(), 2);
        ModelCache cache;
        const std::filesystem::path folder = directory.path().toStdString();
        const auto packed = cache.get(folder, {}).value();
        QVERIFY(!packed->storedReadable() && gguf->model->storedReadable());
        for (const LayerWeights& layer : packed->layers()) {
            for (const Linear& expert : layer.gate_exps) QVERIFY(expert.packed.data != nullptr && expert.weight.data == nullptr);
        }
        QCOMPARE(packed->ownedBytes(), gguf->model->ownedBytes());
        // Other arithmetic reads what is stored, so it gets a model that keeps it.
        LoadOptions plain;
        plain.packed = false;
        const auto stored = cache.get(folder, plain).value();
        QVERIFY(stored != packed && stored->storedReadable() && stored->hash() == packed->hash());
        const auto tokens = randomTokens(20, shape.vocab, 3);
        QVERIFY(logitsOf(stored, tokens, Arithmetic::F32) == logitsOf(gguf->model, tokens, Arithmetic::F32));
    }

    void fusedExpertsThatDoNotFit_data() {
        QTest::addColumn<QString>("part");
        QTest::addColumn<QString>("says");
        for (const char* part : {"gate_up_proj", "gate_up_proj_bias", "down_proj", "down_proj_bias"}) {
            QTest::addRow("%s missing", part) << QString(part) << QString("missing");
            QTest::addRow("%s of another shape", part) << QString("!") + part << QString("do not fit together");
            QTest::addRow("%s of another type", part) << QString("?") + part << QString("element type");
        }
    }
    void fusedExpertsThatDoNotFit() {
        QFETCH(QString, part);
        QFETCH(QString, says);
        Folder folder(shaped("gpt-oss", 4));
        QCOMPARE(folder.refusal(), std::string());
        const char change = part[0].toLatin1();
        const std::string name = "model.layers.1.mlp.experts." + part.toStdString().substr(change == '!' || change == '?' ? 1 : 0);
        const auto found = std::find_if(folder.tensors.begin(), folder.tensors.end(), [&](const PublishedTensor& tensor) { return tensor.name == name; });
        QVERIFY(found != folder.tensors.end());
        if (change == '!') found->shape = {1, found->bytes.size() / 4};
        else if (change == '?') found->dtype = "I32";
        else folder.tensors.erase(found);
        folder.rewrite();
        const std::string refusal = folder.refusal();
        QVERIFY2(refusal.find(says.toStdString()) != std::string::npos && refusal.find("layer 1, experts.") != std::string::npos, refusal.c_str());
    }

    void goldens_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<QString>("type");
        for (const auto& [base, type] : {std::pair{"llama-d256", "F16"}, {"qwen2-d96", "BF16"}, {"qwen3moe-d64", "F32"}, {"olmoe-d128", "F16"}, {"gpt-oss-d128", "F16"}}) {
            QTest::addRow("%s %s", base, type) << base << type;
        }
    }
    void goldens() {
        QFETCH(QString, base);
        QFETCH(QString, type);
        const auto root = goldenDirectory();
        const std::string stem = (base + "-" + type).toStdString();
        const auto gguf = ModelFile::open(root / "models" / (stem + ".gguf"));
        QVERIFY(gguf.has_value());
        const QTemporaryDir directory;
        const std::filesystem::path folder = directory.path().toStdString();
        writeCheckpoint(**gguf, folder);
        const auto model = opened(folder);
        QVERIFY(model != nullptr);
        const auto tokens = readTokens(root / "logits" / (base.toStdString() + ".tokens.i32"));
        const double worst = distance(logitsOf(model, tokens), readNpy(root / "logits" / (stem + ".ref.npy")));
        qInfo("max %.2e sigma", worst);
        QVERIFY(worst <= 2e-4);
    }

    // Llama 3.1 publishes its frequencies as a setting; here the other way about, as its own code changes them.
    void scaledFrequencies() {
        RandomShape shape = shaped("llama");
        shape.head_dim = 128;
        Folder folder(shape);
        folder.config.update({{"rope_theta", 500000.0}, {"rope_scaling", {{"rope_type", "llama3"}, {"factor", 8.0}, {"low_freq_factor", 1.0}, {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 8192}}}});
        folder.rewrite();
        const auto model = opened(folder.path);
        QVERIFY(model != nullptr);
        const std::vector<double>& made = model->rope().frequencies();
        QCOMPARE(made.size(), std::size_t{64});
        int kept = 0, divided = 0;
        for (std::size_t pair = 0; pair < made.size(); ++pair) {
            const double plain = 1 / std::pow(500000.0, static_cast<double>(2 * pair) / 128), wavelength = 2 * 3.14159265358979323846 / plain;
            double expected = plain;
            if (wavelength > 8192 / 1.0) expected = plain / 8;
            else if (wavelength >= 8192 / 4.0) {
                const double smooth = (8192 / wavelength - 1) / (4 - 1);
                expected = (1 - smooth) * plain / 8 + smooth * plain;
            }
            kept += expected == plain;
            divided += expected == plain / 8;
            QVERIFY2(std::abs(made[pair] / expected - 1) < 1e-6, qPrintable(QString("pair %1: %2, expected %3").arg(pair).arg(made[pair]).arg(expected)));
        }
        QVERIFY(kept > 20 && divided > 20 && kept + divided < 64);
    }

    // Writers pad the header so that numbers lie where they can be read, but the format does not ask for it.
    void oddPlacesAreCopied() {
        Folder folder;
        const auto tokens = randomTokens(10, 48, 1);
        const auto expected = logitsOf(opened(folder.path), tokens);
        std::string bytes = safetensorsBytes(folder.tensors, 8);
        bytes.insert(8, " ");
        bytes[0] = static_cast<char>(bytes[0] + 1);  // the length; its last byte is no 255
        writeText(folder.path / "model.safetensors", bytes);
        const auto model = opened(folder.path);
        QVERIFY(model != nullptr);
        for (const ModelTensor& tensor : model->file()->tensors()) QCOMPARE(reinterpret_cast<std::uintptr_t>(tensor.data) % 4, std::uintptr_t{0});
        QVERIFY(logitsOf(model, tokens) == expected);
    }

    void tensorsStayInTheFile() {
        Folder folder;
        const auto model = opened(folder.path);
        for (const ModelTensor& tensor : model->file()->tensors()) {
            std::ifstream in(model->file()->paths()[tensor.file], std::ios::binary);
            in.seekg(static_cast<std::streamoff>(tensor.offset));
            std::string there(tensor.bytes, '\0');
            in.read(there.data(), static_cast<std::streamsize>(there.size()));
            QVERIFY(std::memcmp(there.data(), tensor.data, there.size()) == 0);
        }
    }

    void identityFollowsEveryFile() {
        Folder folder;
        const std::string before = opened(folder.path)->hash();
        QCOMPARE(opened(folder.path)->hash(), before);
        folder.tokenizer_config["chat_template"] = "{{ messages }}";
        folder.rewrite();
        const auto changed = opened(folder.path);
        QVERIFY(changed->hash() != before);
        QCOMPARE(changed->tokenizer()->chatTemplate(), std::string_view("{{ messages }}"));
        writeText(folder.path / "chat_template.jinja", "of its own");
        QCOMPARE(opened(folder.path)->tokenizer()->chatTemplate(), std::string_view("of its own"));
    }

    void headers_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const std::string& bytes, const char* says) { QTest::newRow(name) << QByteArray::fromStdString(bytes) << QString(says); };
        const auto entry = [](const std::string& rest, const std::string& data = std::string(8, '\0')) { return headerOnly("{\"t\":" + rest + "}", data); };
        row("empty file", "", "not a safetensors file");
        row("three bytes", "abc", "not a safetensors file");
        row("no header", std::string(8, '\0'), "not valid JSON");
        row("length beyond the file", std::string(8, '\xff') + "{}", "cut short");
        row("header cut short", headerOnly("{\"t\":{}}").substr(0, 12), "cut short");
        row("no JSON", headerOnly("{\"t\": "), "not valid JSON");
        row("endless number", headerOnly("{\"t\":1e999}"), "beyond all range");
        row("a list", headerOnly("[1, 2]"), "not a JSON object");
        row("broken UTF-8", headerOnly("{\"\xff\":1}"), "not valid JSON");
        row("deep", headerOnly(std::string(100000, '[')), "nested 100000 deep");
        row("deep in a string is not deep, but is no tensor", headerOnly("{\"[[[[[[[[[[[[[[[[[[\":1}"), "lacks a dtype");
        row("no tensor", entry("5"), "lacks a dtype");
        row("no dtype", entry(R"({"shape":[2],"data_offsets":[0,8]})"), "lacks a dtype");
        row("unknown dtype", entry(R"({"dtype":"F99","shape":[2],"data_offsets":[0,8]})"), "element type \"F99\"");
        row("negative size", entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "lacks a dtype");
        row("fraction", entry(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), "lacks a dtype");
        row("too large a number", entry(R"({"dtype":"F32","shape":[99999999999999999999999],"data_offsets":[0,8]})"), "lacks a dtype");
        row("nine dimensions", entry(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"), "lacks a dtype");
        row("one offset", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"), "lacks a dtype");
        row("backwards", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), "lies at 8 to 0");
        row("beyond the end", entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})"), "lies at 0 to 16 of 8");
        row("far beyond the end", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]})"), "lies at");
        row("shape and bytes differ", entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), "need 12");
        row("product overflows", entry(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]})"), "overflow");
        row("product overflows to the right size", entry(R"({"dtype":"F32","shape":[9223372036854775808,2],"data_offsets":[0,0]})", ""), "overflow");
        row("hole", entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "the one before it ends at");
        row("rest", entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), "the tensors end at");
        row("overlap", headerOnly(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", std::string(12, '\0')), "the one before it ends at");
        row("unknown tensor", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "belongs to no part");
        row("integers", headerOnly(R"({"model.norm.weight":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", std::string(8, '\0')), "no arithmetic");
        row("eight bits", headerOnly(R"({"model.norm.weight":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", std::string(8, '\0')), "no arithmetic");
        row("scalar", headerOnly(R"({"model.norm.weight":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", std::string(4, '\0')), "0 dimensions");
        row("nothing in it", headerOnly(R"({"model.norm.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})"), "0 bytes");
        row("no embedding", headerOnly("{}"), "model.embed_tokens.weight is missing");
    }
    void headers() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, says);
        Folder folder;
        writeText(folder.path / "model.safetensors", bytes.toStdString());
        const std::string refusal = folder.refusal();
        QVERIFY2(refusal.find(says.toStdString()) != std::string::npos, refusal.c_str());
        QVERIFY2(refusal.find("an error without") == std::string::npos, refusal.c_str());
        QVERIFY2(refusal.find("model.safetensors") != std::string::npos || refusal.find(folder.path.string()) != std::string::npos, refusal.c_str());
    }

    void tensorsMissingOrTwice() {
        Folder folder;
        const auto all = folder.tensors;
        for (std::size_t i = 0; i < all.size(); ++i) {
            folder.tensors = all;
            folder.tensors.erase(folder.tensors.begin() + static_cast<std::ptrdiff_t>(i));
            folder.rewrite();
            const bool optional = all[i].name.ends_with(".bias");
            QVERIFY2(optional || folder.refusal().find("is missing") != std::string::npos, (all[i].name + ": " + folder.refusal()).c_str());
        }
        folder.tensors = all;
        folder.tensors.front().shape = {1, folder.tensors.front().shape[0] * folder.tensors.front().shape[1]};
        folder.rewrite();
        QVERIFY(!folder.refusal().empty());
    }

    void parts() {
        const auto gguf = load(makeRandomModel(shaped("qwen2")), {});
        const QTemporaryDir directory;
        const std::filesystem::path folder = directory.path().toStdString();
        writeCheckpoint(*gguf->file, folder, 2);
        const auto index_path = folder / "model.safetensors.index.json";
        const json index = json::parse(readFile(index_path));
        const auto refusal = [&] {
            const auto file = ModelFile::open(folder);
            return file ? std::string() : file.error().line();
        };
        const auto with = [&](const std::string& name) {
            json changed = index;
            changed["weight_map"]["model.norm.weight"] = name;
            writeText(index_path, changed.dump());
            return refusal();
        };
        QCOMPARE(refusal(), std::string());
        for (const char* outside : {"../model-00001-of-00002.safetensors", "/etc/passwd", "/tmp/x.safetensors", "a/b.safetensors", "..", "", ".hidden.safetensors", "a\\b.safetensors", "model.gguf"}) {
            QVERIFY2(with(outside).find("no .safetensors file of the same folder") != std::string::npos, (std::string(outside) + ": " + refusal()).c_str());
        }
        QVERIFY(with(std::string("a\0.safetensors", 14)).find("no .safetensors file of the same folder") != std::string::npos);
        QVERIFY2(with("absent.safetensors").find("absent.safetensors") != std::string::npos, refusal().c_str());
        const std::string home = index["weight_map"]["model.norm.weight"];
        const std::string other = home.find("00001") != std::string::npos ? "model-00002-of-00002.safetensors" : "model-00001-of-00002.safetensors";
        QVERIFY2(with(other).find("which the index says is here, is missing") != std::string::npos, refusal().c_str());
        writeText(index_path, R"({"weight_map": {}})");
        QVERIFY2(refusal().find("no weight_map") != std::string::npos, refusal().c_str());
        writeText(index_path, R"({"weight_map": {"a": 5}})");
        QVERIFY2(refusal().find("lies in \"5\"") != std::string::npos, refusal().c_str());
        writeText(index_path, index.dump());
        std::filesystem::remove(folder / "model-00002-of-00002.safetensors");
        QVERIFY2(refusal().find("model-00002-of-00002.safetensors") != std::string::npos, refusal().c_str());
        // The same tensor in both.
        std::filesystem::copy_file(folder / "model-00001-of-00002.safetensors", folder / "model-00002-of-00002.safetensors");
        QVERIFY(!refusal().empty());
    }

    void filesBeside() {
        Folder folder;
        for (const char* name : {"config.json", "tokenizer.json"}) {
            std::filesystem::remove(folder.path / name);
            QVERIFY2(folder.refusal().find(std::string(name) + " is missing") != std::string::npos, folder.refusal().c_str());
            folder.rewrite();
        }
        QCOMPARE(folder.refusal(), std::string());
        std::filesystem::remove(folder.path / "tokenizer_config.json");
        QCOMPARE(folder.refusal(), std::string());
        QVERIFY(folder.refusal("config.json").find("no index") != std::string::npos);
        std::filesystem::copy_file(folder.path / "model.safetensors", folder.path / "second.safetensors");
        QCOMPARE(folder.refusal("second.safetensors"), std::string());
        std::filesystem::rename(folder.path / "model.safetensors", folder.path / "first.safetensors");
        QVERIFY2(folder.refusal().find("several safetensors files") != std::string::npos, folder.refusal().c_str());
        const QTemporaryDir empty;
        const std::filesystem::path bare = empty.path().toStdString();
        const auto nothing = ModelFile::open(bare);
        QVERIFY(!nothing && nothing.error().what.find("no safetensors file") != std::string::npos);
        writeText(bare / "pytorch_model.bin", "PK");
        QVERIFY(ModelFile::open(bare).error().hint.find("can run programs") != std::string::npos);
        writeText(bare / "model.gguf", "GGUF");
        QVERIFY(ModelFile::open(bare).error().hint.find("Open the .gguf file") != std::string::npos);
    }

    // What "git clone" leaves where its extension for large files is missing.
    void pointersInPlaceOfFiles() {
        const Folder folder;
        const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 3554214752\n";
        for (const char* name : {"model.safetensors", "tokenizer.json"}) {
            writeText(folder.path / name, pointer);
            const std::string refusal = folder.refusal();
            QVERIFY2(refusal.find(std::string(name) + " is a pointer of Git LFS") != std::string::npos && refusal.find("git lfs pull") != std::string::npos, refusal.c_str());
            folder.rewrite();
        }
        QCOMPARE(folder.refusal(), std::string());
    }

    void configurations_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<QByteArray>("change");  // merged into config.json; null removes
        QTest::addColumn<QString>("says");
        const auto row = [](const char* architecture, const char* change, const char* says) { QTest::addRow("%s %s", architecture, change) << QString(architecture) << QByteArray(change) << QString(says); };
        row("qwen2", R"({"model_type":null})", "model_type is missing");
        row("qwen2", R"({"model_type":"mamba"})", "\"mamba\" is not supported. Supported are: llama");
        for (const char* key : {"num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "max_position_embeddings", "rms_norm_eps"}) {
            QTest::addRow("no %s", key) << QString("qwen2") << QByteArray(QString(R"({"%1":null})").arg(key).toUtf8()) << QString("%1 is missing").arg(key);
        }
        row("qwen2", R"({"hidden_size":"wide"})", "hidden_size is not a whole number");
        row("qwen2", R"({"hidden_size":1e30})", "hidden_size is not a whole number");
        row("qwen2", R"({"hidden_size":99999999999})", "embedding_length is 99999999999");
        row("qwen2", R"({"num_attention_heads":0})", "attention.head_count is 0");
        row("qwen2", R"({"num_hidden_layers":99})", "is missing");
        row("qwen2", R"({"num_hidden_layers":1})", "belongs to no part");
        row("qwen2", R"({"hidden_act":"gelu"})", "hidden_act");
        row("qwen2", R"({"use_sliding_window":true,"sliding_window":4096})", "sliding_window is set");
        row("qwen2", R"({"layer_types":["full_attention","sliding_attention"]})", "layer_types differs");
        row("qwen2", R"({"rope_scaling":{"rope_type":"longrope"}})", "\"longrope\" is not supported");
        row("qwen2", R"({"rope_scaling":{"rope_type":"yarn"}})", "factor is missing");
        row("qwen2", R"({"rope_scaling":{"rope_type":"yarn","factor":4,"mscale":1}})", "mscale is not supported");
        row("qwen2", R"({"rope_scaling":{"rope_type":"llama3","factor":8,"original_max_position_embeddings":8192}})", "low_freq_factor is missing");
        row("qwen2", R"({"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":1,"original_max_position_embeddings":8192}})", "absurd");
        row("qwen2", R"({"partial_rotary_factor":0.5})", "partial_rotary_factor");
        row("qwen2", R"({"quantization_config":{"quant_method":"fp8"}})", "quantized (\"fp8\")");
        row("qwen2", R"({"tie_word_embeddings":true})", "");
        row("qwen2", R"({"rope_theta":null,"rope_parameters":{"rope_type":"default","rope_theta":5000}})", "");
        row("qwen2", R"({"rope_scaling":{"type":"linear","factor":2.0}})", "");
        row("qwen2", R"({"rope_scaling":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":128}})", "");
        row("qwen2", R"({"sliding_window":4096,"use_sliding_window":false})", "");
        row("qwen3", R"({"head_dim":null})", "head_dim is missing");
        row("qwen3", R"({"rope_theta":null})", "rope_theta is missing");
        row("qwen3moe", R"({"num_experts":null})", "num_experts is missing");
        row("qwen3moe", R"({"decoder_sparse_step":2})", "decoder_sparse_step");
        row("qwen3moe", R"({"mlp_only_layers":[0]})", "mlp_only_layers");
        row("qwen3moe", R"({"num_experts_per_tok":9})", "expert_used_count is 9");
        row("olmoe", R"({"clip_qkv":8})", "clip_qkv");
        row("gpt-oss", R"({"sliding_window":null})", "sliding_window is missing");
        row("gpt-oss", R"({"swiglu_limit":9})", "swiglu_limit is not 7");
        row("gpt-oss", R"({"layer_types":["full_attention","sliding_attention"]})", "layer_types differs");
        row("gpt-oss", R"({"quantization_config":{"quant_method":"bitsandbytes"}})", "quantized (\"bitsandbytes\")");
        row("llama", R"({"model_type":"mistral"})", "");
        row("llama", R"({"model_type":"mistral","sliding_window":4096})", "sliding_window is set");
    }
    void configurations() {
        QFETCH(QString, architecture);
        QFETCH(QByteArray, change);
        QFETCH(QString, says);
        const std::string name = architecture.toStdString();
        Folder folder(shaped(name.c_str(), name == "qwen3moe" || name == "olmoe" || name == "gpt-oss" ? 4 : 0));
        folder.config.merge_patch(json::parse(change.toStdString()));
        folder.rewrite();
        const std::string refusal = folder.refusal();
        if (says.isEmpty()) QCOMPARE(refusal, std::string());
        else QVERIFY2(refusal.find(says.toStdString()) != std::string::npos, refusal.c_str());
    }
};

QTEST_APPLESS_MAIN(TestSafetensors)
#include "tst_safetensors.moc"
