// Runs the real quibble-cli.
#pragma once

#include <QByteArray>
#include <QProcess>
#include <QStringList>

namespace quibble::testing {

struct CliResult {
    int status = -1;
    QByteArray out, err;
};

inline QString cliProgram() { return qEnvironmentVariable("QUIBBLE_CLI"); }

inline CliResult runCli(const QStringList& arguments, const QByteArray& input = {}) {
    QProcess process;
    process.start(cliProgram(), arguments);
    process.write(input);
    process.closeWriteChannel();
    process.waitForFinished(120000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, process.readAllStandardOutput(), process.readAllStandardError()};
}

}  // namespace quibble::testing
