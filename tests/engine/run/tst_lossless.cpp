// Greedy text of every lossless pair of draft and verify rule is that of plain decoding, bit for bit with all its
// measurements: on the shipped models, drafted by the shipped smaller ones (so that tokens are refused as well), with
// and without penalty, for any number of threads and any reference block.
#include <QTest>

#include <map>

#include "engine/draft/draft_method.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::string shipped(const char* name) {
    return (shippedModel().parent_path() / (std::string("quibble-") + name + ".gguf")).string();
}

RunRequest request(const std::string& model, double penalty) {
    RunRequest r;
    r.model_path = shipped(model.c_str());
    r.reference.kind = ReferenceKind::None;
    r.prompt = "Mia has 84 shells. Then gets 29 more. Then shares them between 3. How many shells now?";
    r.max_tokens = 60;
    r.seed = 11;
    r.sampler.temperature = 0;
    r.penalty.strength = penalty;
    return r;
}

struct Text {
    std::vector<TracePoint> points;
    std::int64_t accepted = 0, rejected = 0;
};

Text run(const RunRequest& r, int threads) {
    const RunTrace trace = wholeRun(r, threads).trace;
    Text text{trace.points()};
    for (TracePoint& point : text.points) point.token.time_ns = 0;
    for (const DraftRound& round : trace.draftRounds()) {
        for (const DraftNode& node : round.nodes) {
            text.accepted += node.fate == DraftFate::Accepted ? 1 : 0;
            text.rejected += node.fate == DraftFate::Rejected ? 1 : 0;
        }
    }
    return text;
}

void compare(const Text& plain, const Text& drafted) {
    QCOMPARE(drafted.points.size(), plain.points.size());
    for (std::size_t i = 0; i < plain.points.size(); ++i) {
        const TokenRecord &a = drafted.points[i].token, &b = plain.points[i].token;
        QVERIFY2(a == b, qPrintable(QString("token %1: %2 of entropy %3, not %4 of %5")
                                        .arg(a.pos)
                                        .arg(a.id)
                                        .arg(a.entropy, 0, 'g', 9)
                                        .arg(b.id)
                                        .arg(b.entropy, 0, 'g', 9)));
        QCOMPARE(drafted.points[i].reference.kl, plain.points[i].reference.kl);
    }
}

// Methods that take one draft model are given the smallest, the chain of three both.
void draftWith(RunRequest& r, const std::string& target, const std::string& method, const char* rule) {
    r.draft.method = *parseMethodChoice(method);
    r.draft.verify = *parseMethodChoice(rule);
    const bool cascade = r.draft.method.id == "cascade";
    r.draft.path = shipped(cascade && target == "nano-moe" ? "nano" : "nano-draft");
    r.draft.second_path = shipped("nano-draft");
}

}  // namespace

class TestLossless : public QObject {
    Q_OBJECT

private slots:
    void greedyTextIsPlainText_data() {
        QTest::addColumn<QString>("target");
        QTest::addColumn<QString>("method");
        for (const char* target : {"nano", "nano-moe"}) {
            for (const char* method : {"chain:length=5", "chain:length=12,confidence=0.7", "tree:nodes=16,depth=5",
                                       "static_tree:first=3,second=2,third=1,fourth=1", "ngram:length=6,shortest=1",
                                       "cascade:length=6,inner=2"}) {
                QTest::addRow("%s, %s", target, method) << QString(target) << QString(method);
            }
        }
    }

    void greedyTextIsPlainText() {
        QFETCH(QString, target);
        QFETCH(QString, method);
        std::int64_t accepted = 0, rejected = 0;
        for (const double penalty : {0.0, 4.0}) {
            RunRequest r = request(target.toStdString(), penalty);
            const Text plain = run(r, 2);
            int threads = 1;
            for (const char* rule : {"match", "rejection"}) {
                draftWith(r, target.toStdString(), method.toStdString(), rule);
                const Text drafted = run(r, threads);
                compare(plain, drafted);
                if (QTest::currentTestFailed()) return;
                accepted += drafted.accepted;
                rejected += drafted.rejected;
                threads += 2;
            }
        }
        QVERIFY(accepted > 0 && rejected > 0);
    }

    // The weights of a lab run: quantized, with the reference scored behind in blocks of different sizes.
    void quantizedWithAReferenceBehind() {
        for (const char* target : {"nano", "nano-moe"}) {
            RunRequest r = request(target, 0);
            r.weight_quant = *parseMethodChoice("rtn:bits=4,group=64");
            r.reference.kind = ReferenceKind::Unquantized;
            const Text plain = run(r, 2);
            int block = 1;
            for (const char* method : {"chain:length=5", "tree:nodes=16", "ngram:shortest=1"}) {
                draftWith(r, target, method, "match");
                r.reference.block = block;
                block += 10;
                compare(plain, run(r, 2));
                if (QTest::currentTestFailed()) return;
            }
        }
    }

    // The text of `self` is that of the reference.
    void selfWritesThePlainTextOfItsReference() {
        for (const char* target : {"nano", "nano-moe"}) {
            const Text plain = run(request(target, 2), 2);
            for (const char* rule : {"match", "rejection"}) {
                RunRequest r = request(target, 2);
                r.weight_quant = *parseMethodChoice("rtn:bits=3,group=64");
                r.reference.kind = ReferenceKind::Unquantized;
                draftWith(r, target, "self:length=6", rule);
                const Text drafted = run(r, 2);
                QCOMPARE(drafted.points.size(), plain.points.size());
                for (std::size_t i = 0; i < plain.points.size(); ++i) {
                    QCOMPARE(drafted.points[i].token.id, plain.points[i].token.id);
                    QCOMPARE(drafted.points[i].reference.top, plain.points[i].token.top);
                }
                QVERIFY(drafted.accepted > 0 && drafted.rejected > 0);
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestLossless)
#include "tst_lossless.moc"
