// Published checkpoints: every architecture gives the logits of its GGUF file, whole or cut into parts, and stays where
// it lies. tst_safetensors_refusals has what cannot be opened.
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/device/cpu/cpu_device.h"
#include "engine/file/synth_blocks.h"
#include "engine/forward/sequence.h"
#include "engine/model/model_cache.h"
#include "tests/engine/file/published_folder.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::vector<float> logitsOf(const std::shared_ptr<const Model>& model, std::span<const TokenId> tokens,
                            Arithmetic arithmetic = Arithmetic::F32) {
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

// As gpt-oss is published: experts in MXFP4 blocks, everything else in BF16.
RandomModel expertsInBlocksOf(const RandomShape& shape) {
    RandomModel random = makeRandomModel(shape);
    for (RandomTensor& tensor : random.tensors) {
        if (!tensor.name.ends_with("_exps.weight")) continue;
        tensor.type = kernels::TensorType::MXFP4;
        tensor.bytes.assign(tensor.dims[0] * tensor.dims[1] * tensor.dims[2] / 32 * 17, '\0');
        fillRandomWeights(tensor.type, tensor.dims[0] + tensor.name.size(),
                          std::as_writable_bytes(std::span(tensor.bytes.data(), tensor.bytes.size())));
    }
    return random;
}

struct Named {
    const char* name;
    RandomShape shape;
};
std::vector<Named> shapes() {
    using kernels::TensorType;
    std::vector<Named> all = {{"llama", shaped("llama")},
                              {"llama, F16", shaped("llama", 0, TensorType::F16)},
                              {"mixtral", shaped("llama", 4)},
                              {"qwen2, BF16", shaped("qwen2", 0, TensorType::BF16)},
                              {"qwen3", shaped("qwen3")},
                              {"qwen3moe", shaped("qwen3moe", 6)},
                              {"olmoe, F16", shaped("olmoe", 5, TensorType::F16)}};
    Named gpt_oss{"gpt-oss", shaped("gpt-oss", 6)};
    gpt_oss.shape.n_layers = 3;
    all.push_back(gpt_oss);
    gpt_oss.name = "gpt-oss, BF16, YaRN";
    gpt_oss.shape.type = TensorType::BF16;
    gpt_oss.shape.keys = {{"rope.scaling.type", std::string("yarn")},
                          {"rope.scaling.factor", 32.0F},
                          {"rope.scaling.original_context_length", std::uint32_t{64}},
                          {"rope.freq_base", 150000.0F},
                          {"rope.scaling.yarn_truncate", false}};
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
        if (shape.architecture == "llama")
            QVERIFY2(distance(made, expected) < 1e-5, qPrintable(QString::number(distance(made, expected))));
        else
            QVERIFY(made == expected);

        for (const char* name : {"three", "three/model.safetensors.index.json",
                                 "three/model-00002-of-00003.safetensors", "one/model.safetensors"}) {
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
            QVERIFY2(made != nullptr && made->dims == expected.dims && made->type == expected.type &&
                         made->bytes == expected.bytes,
                     expected.name.c_str());
            std::vector<std::byte> rows(made->bytes);
            made->readRows(0, made->rowCount(), rows.data());
            QVERIFY2(std::memcmp(rows.data(), expected.data, expected.bytes) == 0, expected.name.c_str());
            if (made->made_rows == nullptr) continue;
            std::vector<std::byte> row(made->rowBytes());  // singly, as the rest of an expert
            made->readRows(made->rowCount() - 1, made->rowCount(), row.data());
            QVERIFY2(std::memcmp(row.data(), expected.data + expected.bytes - row.size(), row.size()) == 0,
                     expected.name.c_str());
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
            for (const Linear& expert : layer.gate_exps)
                QVERIFY(expert.packed.data != nullptr && expert.weight.data == nullptr);
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

    void goldens_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<QString>("type");
        for (const auto& [base, type] : {std::pair{"llama-d256", "F16"},
                                         {"qwen2-d96", "BF16"},
                                         {"qwen3moe-d64", "F32"},
                                         {"olmoe-d128", "F16"},
                                         {"gpt-oss-d128", "F16"}}) {
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
        PublishedFolder folder(shape);
        folder.config.update({{"rope_theta", 500000.0},
                              {"rope_scaling",
                               {{"rope_type", "llama3"},
                                {"factor", 8.0},
                                {"low_freq_factor", 1.0},
                                {"high_freq_factor", 4.0},
                                {"original_max_position_embeddings", 8192}}}});
        folder.rewrite();
        const auto model = opened(folder.path);
        QVERIFY(model != nullptr);
        const std::vector<double>& made = model->rope().frequencies();
        QCOMPARE(made.size(), std::size_t{64});
        int kept = 0, divided = 0;
        for (std::size_t pair = 0; pair < made.size(); ++pair) {
            const double plain = 1 / std::pow(500000.0, static_cast<double>(2 * pair) / 128),
                         wavelength = 2 * 3.14159265358979323846 / plain;
            double expected = plain;
            if (wavelength > 8192 / 1.0)
                expected = plain / 8;
            else if (wavelength >= 8192 / 4.0) {
                const double smooth = (8192 / wavelength - 1) / (4 - 1);
                expected = (1 - smooth) * plain / 8 + smooth * plain;
            }
            kept += expected == plain;
            divided += expected == plain / 8;
            QVERIFY2(std::abs(made[pair] / expected - 1) < 1e-6,
                     qPrintable(QString("pair %1: %2, expected %3").arg(pair).arg(made[pair]).arg(expected)));
        }
        QVERIFY(kept > 20 && divided > 20 && kept + divided < 64);
    }

    // What a configuration leaves out is what the library that publishes it takes for it.
    void silentSettings() {
        const auto configOf = [](RandomShape shape, const auto& change) {
            PublishedFolder folder(shape);
            change(folder.config);
            folder.rewrite();
            const auto model = opened(folder.path);
            return model == nullptr ? ModelConfig{} : model->config();
        };
        // Newer files keep the base of the rotation among its other parameters.
        QCOMPARE(
            configOf(
                shaped("qwen3"),
                [](nlohmann::json& c) {
                    c.erase("rope_theta"), c["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 123456.0}};
                })
                .rope.theta,
            123456.0);
        // Writers name one setting differently.
        const auto moe = [&](const char* architecture, const auto& change) {
            return configOf(shaped(architecture, 4), change).experts;
        };
        for (const char* architecture : {"qwen3moe", "olmoe", "llama", "gpt-oss"}) {
            for (const auto& [experts, used] :
                 {std::pair{"num_experts", "num_experts_per_tok"}, {"num_local_experts", "experts_per_token"}}) {
                const ExpertConfig read = moe(architecture, [&](nlohmann::json& c) {
                    for (const char* name :
                         {"num_experts", "num_local_experts", "num_experts_per_tok", "experts_per_token"})
                        c.erase(name);
                    c[experts] = 4, c[used] = 2;
                });
                QCOMPARE(read.count, 4);
                QCOMPARE(read.used, 2);
            }
        }
        const auto since5 = configOf(shaped("qwen2"), [](nlohmann::json& c) {
                                c.erase("rope_theta");
                                c["rope_parameters"] = {{"rope_type", "yarn"},
                                                        {"rope_theta", 77777.0},
                                                        {"factor", 4.0},
                                                        {"partial_rotary_factor", 1.0},
                                                        {"attention_factor", nullptr}};
                                c["dtype"] = "bfloat16";
                            }).rope;
        QVERIFY(since5.yarn);
        QCOMPARE(since5.theta, 77777.0);
        QCOMPARE(configOf(shaped("qwen3"),
                          [](nlohmann::json& c) {
                              c.erase("rope_theta");
                              const nlohmann::json rope = {{"rope_type", "default"}, {"rope_theta", 5000.0}};
                              c["rope_parameters"] = {{"full_attention", rope}, {"sliding_attention", rope}};
                          })
                     .rope.theta,
                 5000.0);
        for (const char* architecture : {"qwen3moe", "olmoe"}) {
            QVERIFY(!configOf(shaped(architecture, 4), [](nlohmann::json& c) {
                         c.erase("norm_topk_prob");
                     }).experts.renormalise);
            QVERIFY(configOf(shaped(architecture, 4), [](nlohmann::json& c) {
                        c["norm_topk_prob"] = true;
                    }).experts.renormalise);
        }
        const auto yarn = configOf(shaped("qwen2"), [](nlohmann::json& c) {
                              c["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}};
                          }).rope;
        QVERIFY(yarn.yarn && yarn.yarn_truncate);
        QCOMPARE(yarn.yarn_beta_fast, 32.0);
        QCOMPARE(yarn.yarn_beta_slow, 1.0);
        QVERIFY(std::abs(yarn.attention_factor - 1) < 1e-12);  // beside YaRN's own
        // Qwen's files have windows that are off unless they say otherwise.
        QCOMPARE(configOf(shaped("qwen2"),
                          [](nlohmann::json& c) { c["sliding_window"] = 4096, c.erase("use_sliding_window"); })
                     .n_layers,
                 shaped("qwen2").n_layers);
    }

    // Writers pad the header so that numbers lie where they can be read, but the format does not ask for it.
    void oddPlacesAreCopied() {
        PublishedFolder folder;
        const auto tokens = randomTokens(10, 48, 1);
        const auto expected = logitsOf(opened(folder.path), tokens);
        std::string bytes = safetensorsBytes(folder.tensors, 8);
        bytes.insert(8, " ");
        bytes[0] = static_cast<char>(bytes[0] + 1);  // the length; its last byte is no 255
        writeText(folder.path / "model.safetensors", bytes);
        const auto model = opened(folder.path);
        QVERIFY(model != nullptr);
        for (const ModelTensor& tensor : model->file()->tensors())
            QCOMPARE(reinterpret_cast<std::uintptr_t>(tensor.data) % 4, std::uintptr_t{0});
        QVERIFY(logitsOf(model, tokens) == expected);
    }

    void tensorsStayInTheFile() {
        PublishedFolder folder;
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
        PublishedFolder folder;
        const std::string before = opened(folder.path)->hash();
        QCOMPARE(opened(folder.path)->hash(), before);
        folder.tokenizer_config["chat_template"] = "{{ messages }}";
        folder.rewrite();
        const auto changed = opened(folder.path);
        QVERIFY(changed->hash() != before);
        QCOMPARE(changed->tokenizer()->chatTemplate(), std::string_view("{{ messages }}"));
        // Several with names, as a list or an object.
        const auto templateWith = [&](const nlohmann::json& value) {
            folder.tokenizer_config["chat_template"] = value;
            folder.rewrite();
            return std::string(opened(folder.path)->tokenizer()->chatTemplate());
        };
        QCOMPARE(templateWith({{{"name", "tool_use"}, {"template", "t"}}, {{"name", "default"}, {"template", "d"}}}),
                 std::string("d"));
        QCOMPARE(templateWith({{"tool_use", "t"}, {"default", "d"}}), std::string("d"));
        QCOMPARE(templateWith({{"only", "o"}}), std::string("o"));
        QCOMPARE(templateWith({{"rag", "r"}, {"tool_use", "t"}}), std::string());
        writeText(folder.path / "chat_template.jinja", "of its own");
        QCOMPARE(opened(folder.path)->tokenizer()->chatTemplate(), std::string_view("of its own"));
    }
};

QTEST_APPLESS_MAIN(TestSafetensors)
#include "tst_safetensors.moc"
