// Published checkpoints that contradict themselves or cannot run are refused by name.
#include <QTest>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <nlohmann/json.hpp>

#include "tests/engine/file/published_folder.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;
using nlohmann::json;

namespace {

std::string headerOnly(const std::string& json_text, const std::string& data = {}) {
    const std::uint64_t length = json_text.size();
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes + json_text + data;
}

}  // namespace

class TestSafetensorsRefusals : public QObject {
    Q_OBJECT

private slots:
    void headers_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const std::string& bytes, const char* says) {
            QTest::newRow(name) << QByteArray::fromStdString(bytes) << QString(says);
        };
        const auto entry = [](const std::string& rest, const std::string& data = std::string(8, '\0')) {
            return headerOnly("{\"t\":" + rest + "}", data);
        };
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
        row("deep in a string is not deep, but is no tensor", headerOnly("{\"[[[[[[[[[[[[[[[[[[\":1}"),
            "lacks a dtype");
        row("no tensor", entry("5"), "lacks a dtype");
        row("no dtype", entry(R"({"shape":[2],"data_offsets":[0,8]})"), "lacks a dtype");
        row("unknown dtype", entry(R"({"dtype":"F99","shape":[2],"data_offsets":[0,8]})"), "element type \"F99\"");
        row("negative size", entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "lacks a dtype");
        row("fraction", entry(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), "lacks a dtype");
        row("too large a number", entry(R"({"dtype":"F32","shape":[99999999999999999999999],"data_offsets":[0,8]})"),
            "lacks a dtype");
        row("nine dimensions", entry(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
            "lacks a dtype");
        row("one offset", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"), "lacks a dtype");
        row("backwards", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), "lies at 8 to 0");
        row("beyond the end", entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})"), "lies at 0 to 16 of 8");
        row("far beyond the end",
            entry(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]})"),
            "lies at");
        row("shape and bytes differ", entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), "need 12");
        row("product overflows",
            entry(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]})"), "overflow");
        row("product overflows to the right size",
            entry(R"({"dtype":"F32","shape":[9223372036854775808,2],"data_offsets":[0,0]})", ""), "overflow");
        row("hole", entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "the one before it ends at");
        row("rest", entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), "the tensors end at");
        row("overlap",
            headerOnly(
                R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                std::string(12, '\0')),
            "the one before it ends at");
        row("unknown tensor", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "belongs to no part");
        row("integers",
            headerOnly(R"({"model.norm.weight":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})",
                       std::string(8, '\0')),
            "no arithmetic");
        row("eight bits",
            headerOnly(R"({"model.norm.weight":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})",
                       std::string(8, '\0')),
            "no arithmetic");
        row("scalar",
            headerOnly(R"({"model.norm.weight":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                       std::string(4, '\0')),
            "0 dimensions");
        row("nothing in it", headerOnly(R"({"model.norm.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})"),
            "0 bytes");
        row("no embedding", headerOnly("{}"), "model.embed_tokens.weight is missing");
    }
    void headers() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, says);
        PublishedFolder folder;
        writeText(folder.path / "model.safetensors", bytes.toStdString());
        const std::string refusal = folder.refusal();
        QVERIFY2(refusal.find(says.toStdString()) != std::string::npos, refusal.c_str());
        QVERIFY2(refusal.find("an error without") == std::string::npos, refusal.c_str());
        QVERIFY2(refusal.find("model.safetensors") != std::string::npos ||
                     refusal.find(folder.path.string()) != std::string::npos,
                 refusal.c_str());
    }

    void tensorsMissingOrTwice() {
        PublishedFolder folder;
        const auto all = folder.tensors;
        for (std::size_t i = 0; i < all.size(); ++i) {
            folder.tensors = all;
            folder.tensors.erase(folder.tensors.begin() + static_cast<std::ptrdiff_t>(i));
            folder.rewrite();
            const bool optional = all[i].name.ends_with(".bias");
            QVERIFY2(optional || folder.refusal().find("is missing") != std::string::npos,
                     (all[i].name + ": " + folder.refusal()).c_str());
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
        for (const char* outside :
             {"../model-00001-of-00002.safetensors", "/etc/passwd", "/tmp/x.safetensors", "a/b.safetensors", "..", "",
              ".hidden.safetensors", "a\\b.safetensors", "model.gguf"}) {
            QVERIFY2(with(outside).find("no .safetensors file of the same folder") != std::string::npos,
                     (std::string(outside) + ": " + refusal()).c_str());
        }
        QVERIFY(with(std::string("a\0.safetensors", 14)).find("no .safetensors file of the same folder") !=
                std::string::npos);
        QVERIFY2(with("absent.safetensors").find("absent.safetensors") != std::string::npos, refusal().c_str());
        const std::string home = index["weight_map"]["model.norm.weight"];
        const std::string other = home.find("00001") != std::string::npos ? "model-00002-of-00002.safetensors"
                                                                          : "model-00001-of-00002.safetensors";
        QVERIFY2(with(other).find("which the index says is here, is missing") != std::string::npos, refusal().c_str());
        writeText(index_path, R"({"weight_map": {}})");
        QVERIFY2(refusal().find("no weight_map") != std::string::npos, refusal().c_str());
        writeText(index_path, R"({"weight_map": {"a": 5}})");
        QVERIFY2(refusal().find("lies in \"5\"") != std::string::npos, refusal().c_str());
        writeText(index_path, index.dump());
        std::filesystem::remove(folder / "model-00002-of-00002.safetensors");
        QVERIFY2(refusal().find("model-00002-of-00002.safetensors") != std::string::npos, refusal().c_str());
        // The same tensor in both.
        std::filesystem::copy_file(folder / "model-00001-of-00002.safetensors",
                                   folder / "model-00002-of-00002.safetensors");
        QVERIFY(!refusal().empty());
    }

    void filesBeside() {
        PublishedFolder folder;
        for (const char* name : {"config.json", "tokenizer.json"}) {
            std::filesystem::remove(folder.path / name);
            QVERIFY2(folder.refusal().find(std::string(name) + " is missing") != std::string::npos,
                     folder.refusal().c_str());
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
        const PublishedFolder folder;
        const std::string pointer =
            "version https://git-lfs.github.com/spec/v1\noid "
            "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 3554214752\n";
        for (const char* name : {"model.safetensors", "tokenizer.json"}) {
            writeText(folder.path / name, pointer);
            const std::string refusal = folder.refusal();
            QVERIFY2(refusal.find(std::string(name) + " is a pointer of Git LFS") != std::string::npos &&
                         refusal.find("git lfs pull") != std::string::npos,
                     refusal.c_str());
            folder.rewrite();
        }
        QCOMPARE(folder.refusal(), std::string());
    }

    void configurations_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<QByteArray>("change");  // merged into config.json; null removes
        QTest::addColumn<QString>("says");
        const auto row = [](const char* architecture, const char* change, const char* says) {
            QTest::addRow("%s %s", architecture, change)
                << QString(architecture) << QByteArray(change) << QString(says);
        };
        row("qwen2", R"({"model_type":null})", "model_type is missing");
        row("qwen2", R"({"model_type":"mamba"})", "\"mamba\" is not supported. Supported are: llama");
        for (const char* key : {"num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads",
                                "max_position_embeddings", "rms_norm_eps"}) {
            QTest::addRow("no %s", key) << QString("qwen2") << QByteArray(QString(R"({"%1":null})").arg(key).toUtf8())
                                        << QString("%1 is missing").arg(key);
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
        row("qwen2", R"({"rope_scaling":{"rope_type":"llama3","factor":8,"original_max_position_embeddings":8192}})",
            "low_freq_factor is missing");
        row("qwen2",
            R"({"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":1,"original_max_position_embeddings":8192}})",
            "absurd");
        row("qwen2", R"({"partial_rotary_factor":0.5})", "partial_rotary_factor");
        row("qwen2", R"({"quantization_config":{"quant_method":"fp8"}})", "quantized (\"fp8\")");
        row("qwen2", R"({"tie_word_embeddings":true})", "");
        // Of another kind is not absent.
        row("qwen2", R"({"model_type":5})", "model_type is missing or no text");
        row("qwen2", R"({"tie_word_embeddings":"true"})", "tie_word_embeddings is not true or false");
        row("qwen2", R"({"use_sliding_window":1,"sliding_window":4096})", "use_sliding_window is not true or false");
        row("qwen2", R"({"num_key_value_heads":"2"})", "num_key_value_heads is not a whole number");
        row("qwen2", R"({"head_dim":16.5})", "head_dim is not a whole number");
        row("qwen2", R"({"layer_types":"full_attention"})", "layer_types is not a list");
        row("qwen2", R"({"rope_scaling":"yarn"})", "rope_scaling is not an object");
        row("qwen2", R"({"rope_parameters":4})", "rope_parameters is not an object");
        row("qwen2", R"({"rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":"128"}})",
            "original_max_position_embeddings is not a whole number");
        row("qwen2", R"({"rope_parameters":{"rope_type":"default","rope_theta":5000,"partial_rotary_factor":0.5}})",
            "partial_rotary_factor");
        row("qwen2",
            R"({"rope_parameters":{"full_attention":{"rope_theta":5000},"sliding_attention":{"rope_theta":10000}}})",
            "rope_parameters differ");
        row("qwen2", R"({"quantization_config":"fp8"})", "quantization_config is not an object");
        row("qwen3moe", R"({"norm_topk_prob":1})", "norm_topk_prob is not true or false");
        row("qwen3moe", R"({"mlp_only_layers":0})", "mlp_only_layers is not a list");
        row("qwen3moe", R"({"decoder_sparse_step":"1"})", "decoder_sparse_step is not a whole number");
        row("qwen3moe", R"({"num_local_experts":8})", "num_experts and num_local_experts differ");
        row("qwen2", R"({"rope_theta":null,"rope_parameters":{"rope_type":"default","rope_theta":5000}})", "");
        row("qwen2", R"({"rope_scaling":{"type":"linear","factor":2.0}})", "");
        row("qwen2", R"({"rope_scaling":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":128}})",
            "");
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
        PublishedFolder folder(
            shaped(name.c_str(), name == "qwen3moe" || name == "olmoe" || name == "gpt-oss" ? 4 : 0));
        folder.config.merge_patch(json::parse(change.toStdString()));
        folder.rewrite();
        const std::string refusal = folder.refusal();
        if (says.isEmpty())
            QCOMPARE(refusal, std::string());
        else
            QVERIFY2(refusal.find(says.toStdString()) != std::string::npos, refusal.c_str());
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
        PublishedFolder folder(shaped("gpt-oss", 4));
        QCOMPARE(folder.refusal(), std::string());
        const char change = part[0].toLatin1();
        const std::string name =
            "model.layers.1.mlp.experts." + part.toStdString().substr(change == '!' || change == '?' ? 1 : 0);
        const auto found = std::find_if(folder.tensors.begin(), folder.tensors.end(),
                                        [&](const PublishedTensor& tensor) { return tensor.name == name; });
        QVERIFY(found != folder.tensors.end());
        if (change == '!')
            found->shape = {1, found->bytes.size() / 4};
        else if (change == '?')
            found->dtype = "I32";
        else
            folder.tensors.erase(found);
        folder.rewrite();
        const std::string refusal = folder.refusal();
        QVERIFY2(refusal.find(says.toStdString()) != std::string::npos &&
                     refusal.find("layer 1, experts.") != std::string::npos,
                 refusal.c_str());
    }
};

QTEST_APPLESS_MAIN(TestSafetensorsRefusals)
#include "tst_safetensors_refusals.moc"
