// A test program that runs itself once for every instruction set of this machine, and for AMX where its instructions
// can be emulated: the engine chooses its kernels once a process. Such a program links quibble_amx_emulator.
#pragma once

#include <QCoreApplication>
#include <QProcess>
#include <QTest>

#include <cstdio>
#include <string_view>

#include "kernels/ops.h"
#include "tests/support/amx_emulator.h"

namespace quibble::testing {

/// True in the first of the processes: for what need not be repeated.
inline bool isFirstIsa() { return kernels::ops().isa == kernels::allOps().front()->isa; }

/// True in the process whose instructions are emulated: each costs microseconds.
inline bool isEmulated() { return std::string_view(kernels::ops().isa) == "amx" && emulateAmx(); }

/// Runs a test in a program that has called emulateAmx(): without Qt Test's own handlers of signals, which would stand
/// before the trap.
inline int runWithoutCrashHandler(QObject& test, int argc, char** argv) {
    QStringList arguments;
    for (int i = 0; i < argc; ++i) arguments << QString::fromLocal8Bit(argv[i]);
    return QTest::qExec(&test, arguments << QStringLiteral("-nocrashhandler"));
}

/// main() of such a program. With QUIBBLE_ISA set it tests on that one alone.
template <typename Test>
int runOnEachIsa(int argc, char** argv) {
    emulateAmx();
    QCoreApplication application(argc, argv);
    if (qEnvironmentVariableIsSet("QUIBBLE_ISA")) {
        Test test;
        return runWithoutCrashHandler(test, argc, argv);
    }
    int failed = 0;
    for (const kernels::Ops* table : kernels::allOps()) {
        std::printf("QUIBBLE_ISA=%s\n", table->isa);
        std::fflush(stdout);
        QProcess process;
        process.setProcessChannelMode(QProcess::ForwardedChannels);
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("QUIBBLE_ISA", table->isa);
        process.setProcessEnvironment(environment);
        process.start(QCoreApplication::applicationFilePath(), QCoreApplication::arguments().mid(1));
        if (!process.waitForFinished(-1) || process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0)
            ++failed;
    }
    return failed;
}

}  // namespace quibble::testing
