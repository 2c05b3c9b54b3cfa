// Runs a test of the window on one screen of a known size, whatever screens there are.
#pragma once

#include <algorithm>

#include <QApplication>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSize>
#include <QTemporaryDir>
#include <QTest>

namespace quibble {

inline constexpr QSize kScreen(1600, 1000);  // in the points that tests speak of

template <typename Test>
int runOnOneScreen(int argc, char** argv) {
    QTemporaryDir folder;
    QFile file(folder.filePath(QStringLiteral("screens.json")));
    const int scale = std::max(1, qEnvironmentVariableIntValue("QT_SCALE_FACTOR"));
    const QJsonObject screen{{"name", "one"},
                             {"x", 0},
                             {"y", 0},
                             {"width", kScreen.width() * scale},
                             {"height", kScreen.height() * scale},
                             {"logicalDpi", 96},
                             {"logicalBaseDpi", 96},
                             {"dpr", 1}};
    if (!file.open(QIODevice::WriteOnly)) return 1;
    file.write(QJsonDocument(QJsonObject{{"screens", QJsonArray{screen}}}).toJson());
    file.close();
    qputenv("QT_QPA_PLATFORM", ("offscreen:configfile=" + file.fileName()).toLocal8Bit());
    QApplication app(argc, argv);
    Test test;
    return QTest::qExec(&test, argc, argv);
}

}  // namespace quibble
