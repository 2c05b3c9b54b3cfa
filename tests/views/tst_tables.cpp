// The table twin: valid as a model while tokens arrive, CSV in the C locale, selection both ways.
#include <QAbstractItemModelTester>
#include <QClipboard>
#include <QTableView>

#include "tests/views/view_test.h"
#include "views/tables/token_table.h"
#include "views/tables/token_table_model.h"

using namespace quibble;
using quibble::testing::RunSettings;

class TestTables : public QObject {
    Q_OBJECT
private slots:
    void modelStaysValidWhileTokensArrive() {
        const RunSettings settings{.tokens = 200, .odd_bytes = true};
        RunDocument document;
        TokenTableModel model(&document);
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        document.start(testing::makeRequest(settings));
        for (const EventBatch& batch : testing::makeBatches(settings, 20)) document.apply(batch);
        QCOMPARE(model.rowCount(), document.size());
        document.setUnit(Unit::Bit);
        document.start(RunRequest{});
        QCOMPARE(model.rowCount(), 0);
    }

    void csvIsForMachines() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 80, .odd_bytes = true});
        TokenTableModel model(&document);
        QLocale::setDefault(QLocale(QLocale::German));
        const QString csv = toCsv(model);
        QVERIFY(model.index(1, TokenTableModel::Entropy).data().toString().contains(QLatin1Char(',')));  // on screen:
                                                                                                         // German
        QLocale::setDefault(QLocale::c());
        const QString header = csv.section(QLatin1Char('\n'), 0, 0);
        QCOMPARE(header.split(QLatin1Char(',')).size(), static_cast<int>(TokenTableModel::ColumnCount));
        const QStringList first = csv.section(QLatin1Char('\n'), 1, 1).split(QLatin1Char(','));
        QCOMPARE(first[0], QStringLiteral("0"));
        bool number = false;
        first[TokenTableModel::Entropy].toDouble(&number);
        QVERIFY(number);
        QVERIFY(csv.contains(QStringLiteral("\",\"")));  // a token that is a comma is quoted
        QCOMPARE(toCsv(model, 0, 2).count(QLatin1Char('\n')), 3);
    }

    void selectionBothWays() {
        RunDocument document;
        TokenTable table(&document);
        table.resize(700, 300);
        table.show();
        testing::loadRun(document, {.tokens = 500});
        document.setSelection({200, 205}, 202);
        QCOMPARE(table.table()->selectionModel()->selectedRows().size(), 5);
        QCOMPARE(table.table()->currentIndex().row(), 202);
        table.table()->selectRow(33);
        QCOMPARE(document.selection(), (TokenRange{33, 34}));
        table.copyCsv();
        QVERIFY(QApplication::clipboard()->text().count(QLatin1Char('\n')) > 400);
        QTest::keyClick(table.table(), Qt::Key_Down);
        QCOMPARE(document.current(), 34);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestTables)
#include "tst_tables.moc"
