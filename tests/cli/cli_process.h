// Runs the real quibble-cli.
#pragma once

#include <QByteArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QList>
#include <QProcess>
#include <QProcessEnvironment>
#include <QStringList>

#include <utility>

namespace quibble::testing {

struct CliResult {
    int status = -1;
    QByteArray out, err;
};

inline QString cliProgram() { return qEnvironmentVariable("QUIBBLE_CLI"); }

/// Variables set for one program, beside those of this one.
using Environment = QList<std::pair<QString, QString>>;

inline CliResult runCli(const QStringList& arguments, const QByteArray& input = {},
                        const Environment& environment = {}) {
    QProcess process;
    QProcessEnvironment all = QProcessEnvironment::systemEnvironment();
    for (const auto& [name, value] : environment) all.insert(name, value);
    process.setProcessEnvironment(all);
    process.start(cliProgram(), arguments);
    process.write(input);
    process.closeWriteChannel();
    process.waitForFinished(120000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, process.readAllStandardOutput(),
            process.readAllStandardError()};
}

inline QList<QJsonObject> jsonLines(const QByteArray& text) {
    QList<QJsonObject> objects;
    for (const QByteArray& line : text.split('\n')) {
        if (!line.isEmpty()) objects.append(QJsonDocument::fromJson(line).object());
    }
    return objects;
}

}  // namespace quibble::testing
