// "1 intervention", "2 interventions": every counted text of the window has its singular, under the name by which it is
// asked for.
#include <QDirIterator>
#include <QProcess>
#include <QTemporaryDir>
#include <QTranslator>
#include <QXmlStreamReader>

#include "tests/views/view_test.h"
#include "views/experts/expert_charts.h"
#include "views/experts/expert_map.h"
#include "views/inspector/token_inspector.h"
#include "views/markers/markers_panel.h"
#include "views/plots/traces_view.h"
#include "views/status/run_status_bar.h"
#include "views/token_stream/token_stream_panel.h"

using namespace quibble;

namespace {

const QString kForms = QStringLiteral(QUIBBLE_SOURCE_DIR "/resources/translations/quibble_en.ts");

// Context, text -> its forms.
QMap<std::pair<QString, QString>, QStringList> messagesOf(const QString& path) {
    QMap<std::pair<QString, QString>, QStringList> messages;
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) return messages;
    QXmlStreamReader xml(&file);
    QString context, source;
    while (!xml.atEnd()) {
        if (xml.readNext() != QXmlStreamReader::StartElement) continue;
        if (xml.name() == QLatin1String("name"))
            context = xml.readElementText();
        else if (xml.name() == QLatin1String("source"))
            messages[{context, source = xml.readElementText()}] = {};
        else if (xml.name() == QLatin1String("numerusform"))
            messages[{context, source}] << xml.readElementText();
    }
    return messages;
}

int runTool(const QString& program, const QStringList& arguments) {
    QProcess process;
    process.setWorkingDirectory(QStringLiteral(QUIBBLE_SOURCE_DIR));
    process.start(program, arguments);
    return process.waitForFinished(120'000) && process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1;
}

}  // namespace

class TestPluralForms : public QObject {
    Q_OBJECT
private slots:
    void everyCountedTextHasASingular() {
        QTemporaryDir folder;
        const QString found = folder.filePath(QStringLiteral("found.ts"));
        QStringList arguments{QStringLiteral("-I"), QStringLiteral("."), QStringLiteral("-pluralonly"),
                              QStringLiteral("-target-language"), QStringLiteral("en_US")};
        for (const char* part : {"app", "views"}) {
            QDirIterator files(QStringLiteral(QUIBBLE_SOURCE_DIR "/") + QLatin1String(part),
                               {QStringLiteral("*.cpp"), QStringLiteral("*.h")}, QDir::Files,
                               QDirIterator::Subdirectories);
            while (files.hasNext()) arguments << files.next();
        }
        arguments << QStringLiteral("-ts") << found;
        QCOMPARE(runTool(QStringLiteral(QUIBBLE_LUPDATE), arguments), 0);
        const auto asked = messagesOf(found), known = messagesOf(kForms);
        QVERIFY(asked.size() > 20);
        for (auto it = asked.keyBegin(); it != asked.keyEnd(); ++it) {
            QVERIFY2(known.value(*it).size() == 2,
                     qPrintable(QStringLiteral("no forms for \"%1\" in %2").arg(it->second, it->first)));
        }
        for (auto it = known.keyBegin(); it != known.keyEnd(); ++it) {
            QVERIFY2(asked.contains(*it),
                     qPrintable(QStringLiteral("nobody asks for \"%1\" in %2").arg(it->second, it->first)));
        }
    }

    void theWindowFindsThem() {
        QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("forms.qm"));
        QCOMPARE(runTool(QStringLiteral(QUIBBLE_LRELEASE), {kForms, QStringLiteral("-qm"), file}), 0);
        QTranslator translator;
        QVERIFY(translator.load(file));
        QVERIFY(QCoreApplication::installTranslator(&translator));
        QCOMPARE(MarkersPanel::tr("%n interventions", nullptr, 1), QStringLiteral("1 intervention"));
        QCOMPARE(MarkersPanel::tr("%n interventions", nullptr, 2), QStringLiteral("2 interventions"));
        QCOMPARE(TracesView::tr("%n tokens", nullptr, 1), QStringLiteral("1 token"));
        QCOMPARE(TokenStreamPanel::tr("%n hits", nullptr, 1), QStringLiteral("1 hit"));
        QCOMPARE(TokenInspector::tr("and %n more layers", nullptr, 1), QStringLiteral("and 1 more layer"));
        QCOMPARE(ExpertMap::tr("… and %n layers more", nullptr, 1), QStringLiteral("… and 1 layer more"));
        QCOMPARE(UnionChart::tr("%n rows: %1 MB, %2 ms", nullptr, 1), QStringLiteral("1 row: %1 MB, %2 ms"));
        QCOMPARE(RunStatusBar::tr("CPU %1, %n threads", nullptr, 1), QStringLiteral("CPU %1, 1 thread"));
        QCoreApplication::removeTranslator(&translator);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestPluralForms)
#include "tst_plural_forms.moc"
