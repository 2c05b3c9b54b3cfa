// Token trees and taking back: whatever was appended, kept and truncated, the logits are bit for bit those of the text
// appended alone, with every type of KV cache, on models with and without sliding windows and experts.
#include <QTest>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <stop_token>
#include <thread>

#include "engine/forward/sequence.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

// Wider than one window of the golden gpt-oss (16 positions).
constexpr std::size_t kText = 37;
// A tree in three passes: parents before children, branches of different depth, children of one node in different
// passes.
constexpr std::int32_t kParents[] = {-1, -1, 0,  0, 2,  1,  4,  4,  3,  -1, 6,  9,
                                     10, 12, 13, 5, 15, 16, 17, 18, 19, 20, 14, 22};
constexpr std::size_t kPasses[] = {2, 7, 15};

struct Setup {
    std::string name;
    std::shared_ptr<const Model> model;
    CpuDevice device{2};
    SequenceSettings settings;

    std::unique_ptr<Sequence> sequence(Position context = 200) {
        auto made = Sequence::create(model, device, context, settings);
        return made ? std::move(*made) : nullptr;
    }
    [[nodiscard]] std::size_t vocab() const { return static_cast<std::size_t>(model->config().vocab_size); }
    [[nodiscard]] TokenId token(std::size_t i) const { return static_cast<TokenId>((i * 7919 + 11) % vocab()); }
    [[nodiscard]] std::vector<TokenId> text(std::size_t n = kText) const {
        std::vector<TokenId> ids(n);
        for (std::size_t i = 0; i < n; ++i) ids[i] = token(i);
        return ids;
    }
    [[nodiscard]] TokenId nodeToken(std::size_t node) const { return token(1000 + node); }
    /// Tokens of the path from the text to `node`, by rows.
    [[nodiscard]] std::vector<std::int32_t> path(std::int32_t node) const {
        std::vector<std::int32_t> rows;
        for (; node >= 0; node = kParents[node]) rows.insert(rows.begin(), node);
        return rows;
    }
    /// Logits behind the last token, computed by one fresh sequence.
    [[nodiscard]] std::vector<float> alone(std::span<const TokenId> tokens) {
        std::vector<float> logits(vocab());
        if (!sequence()->append(tokens, 1, logits.data())) logits.clear();
        return logits;
    }
    /// The text, and all of the tree; logits of every row.
    [[nodiscard]] std::vector<float> grow(Sequence& s) const {
        std::vector<float> logits(std::size(kParents) * vocab());
        std::size_t first = 0;
        for (const std::size_t count : kPasses) {
            std::vector<TokenId> tokens;
            for (std::size_t i = first; i < first + count; ++i) tokens.push_back(nodeToken(i));
            if (!s.appendTree(tokens, {kParents + first, count}, logits.data() + first * vocab())) return {};
            first += count;
        }
        return logits;
    }
};

bool sameBits(const float* a, const std::vector<float>& b) {
    return !b.empty() && std::memcmp(a, b.data(), b.size() * sizeof(float)) == 0;
}

}  // namespace

class TestSequence : public QObject {
    Q_OBJECT
    void rows() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<int>("kv");
        QTest::addColumn<bool>("f32");
        const std::pair<const char*, std::vector<KvType>> cases[] = {
            {"gpt-oss-d128-F16", {kKvTypes.begin(), kKvTypes.end()}},
            {"gpt-oss-d128-MXFP4_MOE", {KvType::Q8_0}},
            {"olmoe-d128-Q8_0", {KvType::F32, KvType::F16}},
            {"qwen3-d256-Q4_K", {KvType::BF16}},
            {"llama-d256-F16", {KvType::Q8_0}}};
        for (const auto& [file, types] : cases) {
            for (const KvType type : types) {
                QTest::addRow("%s %s", file, kvTypeText(type))
                    << QString(file) << static_cast<int>(type) << (type == KvType::F16 || type == KvType::Q8_0);
            }
        }
    }
    void load(Setup& setup) {
        QFETCH(QString, file);
        QFETCH(int, kv);
        QFETCH(bool, f32);
        auto model = Model::load(goldenDirectory() / "models" / (file.toStdString() + ".gguf"), {});
        QVERIFY2(model.has_value(), model ? "" : model.error().line().c_str());
        setup.model = *model;
        setup.settings = {f32 ? Arithmetic::F32 : Arithmetic::Native, static_cast<KvType>(kv)};
        QVERIFY(setup.sequence() != nullptr);
    }

private slots:
    void everyRowOfATreeIsItsPathDecodedAlone_data() { rows(); }
    void everyRowOfATreeIsItsPathDecodedAlone() {
        Setup setup;
        load(setup);
        const auto s = setup.sequence();
        QVERIFY(s->append(setup.text(), 0, nullptr));
        const std::vector<float> logits = setup.grow(*s);
        QVERIFY(!logits.empty());
        QCOMPARE(s->size(), static_cast<Position>(kText));
        for (std::size_t node = 0; node < std::size(kParents); ++node) {
            std::vector<TokenId> tokens = setup.text();
            for (const std::int32_t row : setup.path(static_cast<std::int32_t>(node)))
                tokens.push_back(setup.nodeToken(static_cast<std::size_t>(row)));
            QVERIFY2(sameBits(logits.data() + node * setup.vocab(), setup.alone(tokens)),
                     qPrintable(QString("row %1").arg(node)));
        }
    }

    void keptRowsGoOnAsPlainText_data() { rows(); }
    void keptRowsGoOnAsPlainText() {
        Setup setup;
        load(setup);
        const auto s = setup.sequence();
        std::vector<TokenId> tokens = setup.text();
        QVERIFY(s->append(tokens, 0, nullptr));
        std::vector<float> logits(2 * setup.vocab());
        // The deepest path, its beginning, one that leaves rows between, and none at all; each is followed by plain
        // text.
        for (const auto& [node, depth] : {std::pair<std::int32_t, std::size_t>{23, 8}, {21, 3}, {11, 2}, {8, 0}}) {
            QVERIFY(!setup.grow(*s).empty());
            std::vector<std::int32_t> path = setup.path(node);
            path.resize(depth);
            s->keepRows(path);
            for (const std::int32_t row : path) tokens.push_back(setup.nodeToken(static_cast<std::size_t>(row)));
            QCOMPARE(s->size(), static_cast<Position>(tokens.size()));
            const TokenId next[] = {setup.token(50 + depth), setup.token(90 + depth)};
            QVERIFY(s->append(next, 2, logits.data()));
            tokens.push_back(next[0]);
            QVERIFY(sameBits(logits.data(), setup.alone(tokens)));
            tokens.push_back(next[1]);
            QVERIFY(sameBits(logits.data() + setup.vocab(), setup.alone(tokens)));
        }
    }

    void takenBackIsAsNeverAppended_data() { rows(); }
    void takenBackIsAsNeverAppended() {
        Setup setup;
        load(setup);
        const auto s = setup.sequence();
        std::vector<TokenId> tokens = setup.text(70);
        std::vector<float> logits(setup.vocab());
        QVERIFY(s->append(tokens, 0, nullptr));
        for (const Position size : {66, 30, 1, 0}) {
            QVERIFY(!setup.grow(*s).empty());
            s->truncate(size);  // the open tree goes too
            QCOMPARE(s->size(), size);
            tokens.resize(static_cast<std::size_t>(size));
            for (std::size_t i = 0; i < 5; ++i) tokens.push_back(setup.token(300 + i + static_cast<std::size_t>(size)));
            QVERIFY(s->append(std::span(tokens).subspan(static_cast<std::size_t>(size)), 1, logits.data()));
            QVERIFY(sameBits(logits.data(), setup.alone(tokens)));
        }
    }

    void aRefusedPassLeavesTheTreeAsItWas() {
        Setup setup;
        auto model = Model::load(goldenDirectory() / "models" / "llama-d256-F16.gguf", {});
        QVERIFY(model.has_value());
        setup.model = *model;
        const auto s = setup.sequence(static_cast<Position>(kText + std::size(kParents) + 1));
        QVERIFY(s->append(setup.text(), 0, nullptr));
        QVERIFY(!setup.grow(*s).empty());
        std::vector<float> logits(2 * setup.vocab());
        const TokenId pair[] = {setup.token(1), setup.token(2)}, unknown[] = {-1};
        const std::int32_t last = static_cast<std::int32_t>(std::size(kParents)) - 1;
        const std::int32_t behind[] = {last, last};
        QVERIFY(!s->appendTree(pair, behind, logits.data()));  // one slot is left
        QVERIFY(!s->appendTree(unknown, {behind, 1}, logits.data()));
        std::stop_source stopped;
        stopped.request_stop();
        QVERIFY(!s->appendTree({pair, 1}, {behind, 1}, logits.data(), stopped.get_token()));
        QVERIFY(s->appendTree({pair, 1}, {behind, 1}, logits.data()));
        std::vector<std::int32_t> path = setup.path(last);
        path.push_back(last + 1);
        s->keepRows(path);
        QCOMPARE(s->size(), static_cast<Position>(kText + path.size()));
    }

    // Whenever a stop comes, the pass that it ends leaves no trace.
    void aStopInsideAPassLeavesNoTrace() {
        for (const char* name : {"llama-d256-F16.gguf", "qwen3moe-d256-Q4_K.gguf"}) {
            Setup setup;
            auto model = Model::load(goldenDirectory() / "models" / name, {});
            QVERIFY(model.has_value());
            setup.model = *model;
            const std::vector<TokenId> text = setup.text(180);
            const std::vector<float> expected = setup.alone(text);
            std::vector<float> logits(setup.vocab());
            using Clock = std::chrono::steady_clock;
            const auto began = Clock::now();
            QCOMPARE(setup.alone(text), expected);
            const auto pass = Clock::now() - began;
            int stopped = 0;
            // The first stop comes before the pass, the others at fiftieths of its time.
            for (int moment = -1; moment < 50; ++moment) {
                const auto s = setup.sequence();
                std::stop_source stop;
                std::atomic<bool> begun = false;
                std::thread other([&stop, &begun, pass, moment] {
                    while (!begun) {}
                    for (const auto until = Clock::now() + pass * std::max(0, moment) / 50; Clock::now() < until;) {}
                    stop.request_stop();
                });
                begun = true;
                if (moment < 0) other.join();
                const auto appended = s->append(text, 1, logits.data(), stop.get_token());
                if (other.joinable()) other.join();
                if (!appended) {
                    ++stopped;
                    QCOMPARE(appended.error().code, ErrorCode::Cancelled);
                    QCOMPARE(s->size(), 0);
                    QVERIFY(s->append(text, 1, logits.data()));
                }
                QCOMPARE(std::memcmp(logits.data(), expected.data(), expected.size() * sizeof(float)), 0);
            }
            qInfo("%s: %d of 51 passes were stopped", name, stopped);
            QVERIFY(stopped > 0);
        }
    }

    // Long operations give up between two pieces of work, not only the layers between each other.
    void aStopReachesIntoAttentionAndProducts() {
        Setup setup;
        auto model = Model::load(goldenDirectory() / "models" / "llama-d256-F16.gguf", {});
        QVERIFY(model.has_value());
        const LayerWeights& layer = (*model)->layers().front();
        const ModelConfig& c = (*model)->config();
        constexpr std::int64_t kRows = 4;
        std::vector<float> x(static_cast<std::size_t>(kRows * c.d_model), 1.0F),
            y(static_cast<std::size_t>(kRows * c.dQ()), 7.0F);
        const std::vector<float> untouched = y;
        std::stop_source stop;
        stop.request_stop();
        {
            const CpuDevice::Interruptible scope(setup.device, stop.get_token());
            QVERIFY(setup.device.interrupted());
            setup.device.linear(x.data(), kRows, Arithmetic::F32, {{&layer.q, y.data()}});
            QCOMPARE(y, untouched);
            const std::vector<float> kv(static_cast<std::size_t>(kRows * c.dKv()), 1.0F);
            const auto* bytes = reinterpret_cast<const std::byte*>(kv.data());
            setup.device.attention({x.data(),
                                    bytes,
                                    bytes,
                                    kernels::TensorType::F32,
                                    static_cast<std::int64_t>(sizeof(float)) * c.head_dim,
                                    y.data(),
                                    kRows,
                                    c.n_heads,
                                    c.n_kv_heads,
                                    c.head_dim,
                                    1,
                                    0,
                                    nullptr,
                                    {}});
            QCOMPARE(y, untouched);
        }
        QVERIFY(!setup.device.interrupted());
        setup.device.linear(x.data(), kRows, Arithmetic::F32, {{&layer.q, y.data()}});
        QVERIFY(y != untouched);
    }

    void aCacheTypeThatCannotHoldTheHeadsIsRefused() {
        Setup setup;
        auto model = Model::load(goldenDirectory() / "models" / "llama-d64-F32.gguf", {});  // heads of 16
        QVERIFY(model.has_value());
        auto refused = Sequence::create(*model, setup.device, 8, {Arithmetic::F32, KvType::Q8_0});
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, ErrorCode::InvalidArgument);
        QVERIFY2(refused.error().what.find("16 numbers wide") != std::string::npos, refused.error().line().c_str());
        for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16}) {
            QVERIFY(Sequence::create(*model, setup.device, 8, {Arithmetic::F32, type}));
        }
    }
};

QTEST_APPLESS_MAIN(TestSequence)
#include "tst_sequence.moc"
