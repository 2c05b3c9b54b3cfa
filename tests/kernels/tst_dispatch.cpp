// Which table is chosen, and what is said when the wanted one cannot be.
#include "kernels/limits.h"
#include "kernels/ops.h"

#include <QCoreApplication>
#include <QProcess>
#include <QProcessEnvironment>
#include <QTest>

#include <cstdlib>
#include <set>
#include <string>

using namespace quibble::kernels;

class TstDispatch : public QObject {
    Q_OBJECT

private slots:
    void referenceIsFirstAndNamesAreUnique() {
        QCOMPARE(std::string(allOps()[0]->isa), std::string("reference"));
        std::set<std::string> names;
        for (const Ops* table : allOps()) {
            names.insert(table->isa);
            QVERIFY(table->matmul != nullptr && table->matmulPacked != nullptr);
            QVERIFY(table->quantizeQ8 != nullptr && table->rmsNorm != nullptr && table->rope != nullptr);
            QVERIFY(table->swiGlu != nullptr && table->add != nullptr && table->attention != nullptr);
            QVERIFY(table->swiGluClamped != nullptr && table->storeKv != nullptr);
            QVERIFY(table->logitStats != nullptr && table->klDivergence != nullptr && table->dequantizeRow != nullptr);
        }
        QCOMPARE(names.size(), allOps().size());
    }

    void everyRunnableNameCanBeForced() {
        for (const Ops* table : allOps()) {
            const IsaChoice choice = selectIsa(table->isa);
            QCOMPARE(choice.ops, table);
            QVERIFY(choice.error.empty());
        }
        QCOMPARE(selectIsa("").ops, allOps().back());
    }

    void whatCannotRunIsAnError() {
        const IsaChoice unknown = selectIsa("sse9");
        QCOMPARE(unknown.ops, nullptr);
        QVERIFY(unknown.error.find("'sse9'") != std::string::npos);
        QVERIFY(unknown.error.find("avx512") != std::string::npos);  // what would do
        for (const char* name : {"avx2", "avx512", "amx"}) {
            const IsaChoice choice = selectIsa(name);
            QCOMPARE(choice.ops == nullptr, !choice.error.empty());
            if (choice.ops == nullptr) {
                QVERIFY(choice.error.find("cannot run") != std::string::npos);
                QVERIFY(choice.error.find("reference") != std::string::npos);  // what would do
            }
        }
    }

    void environmentIsRead() {
        qputenv("QUIBBLE_ISA", "reference");
        QCOMPARE(std::string(isaFromEnvironment().ops->isa), std::string("reference"));
        qputenv("QUIBBLE_ISA", "nonsense");
        QVERIFY(isaFromEnvironment().ops == nullptr);
        qunsetenv("QUIBBLE_ISA");
        QCOMPARE(isaFromEnvironment().ops, allOps().back());
    }

    // ops() itself, in processes of their own: this program prints the table's name when asked to.
    void processesUseWhatTheyAreTold() {
        for (const Ops* table : allOps()) {
            QProcess process;
            QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
            environment.insert("QUIBBLE_ISA", table->isa);
            process.setProcessEnvironment(environment);
            process.start(QCoreApplication::applicationFilePath(), {"--print-isa"});
            QVERIFY(process.waitForFinished());
            QCOMPARE(process.exitCode(), 0);
            QCOMPARE(process.readAllStandardOutput().trimmed(), QByteArray(table->isa));
        }
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("QUIBBLE_ISA", "pentium");
        process.setProcessEnvironment(environment);
        process.start(QCoreApplication::applicationFilePath(), {"--print-isa"});
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.exitCode(), 2);
        QVERIFY(process.readAllStandardError().contains("'pentium'"));
    }

    void limitsAreMeasured() {
        const double read = ReadBandwidth(2, size_t{8} << 20).best(0.05);
        QVERIFY2(read > 1e8 && read < 1e13, qPrintable(QString::number(read)));
        const double fma = measureFmaRate();
        QVERIFY2(fma > 1e8 && fma < 1e13, qPrintable(QString::number(fma)));
        const double dot = measureDotRate();
        QVERIFY2(dot > 1e8 && dot < 1e14, qPrintable(QString::number(dot)));
        const double bf16 = measureBf16Rate();
        const bool measured = ops().matmulBf16 != nullptr && ops().matmulBf16 != allOps()[0]->matmulBf16;
        QVERIFY2(measured ? bf16 > 1e8 && bf16 < 1e14 : bf16 == 0.0, qPrintable(QString::number(bf16)));
        QCOMPARE(ReadBandwidth(1, size_t{1} << 60).best(0.05), 0.0);  // no such memory
    }
};

int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]) == "--print-isa") {
        std::puts(ops().isa);
        return 0;
    }
    QCoreApplication application(argc, argv);
    TstDispatch test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_dispatch.moc"
