// A test program that runs itself once for every instruction set of this machine: the engine chooses its kernels once a process.
#pragma once

#include <QCoreApplication>
#include <QProcess>
#include <QTest>

#include <cstdio>

#include "kernels/ops.h"

namespace quibble::testing {

/// True in the first of the processes: for what need not be repeated.
inline bool isFirstIsa() { return kernels::ops().isa == kernels::allOps().front()->isa; }

/// main() of such a program. With QUIBBLE_ISA set it tests on that one alone.
template <typename Test>
int runOnEachIsa(int argc, char** argv) {
    QCoreApplication application(argc, argv);
    if (qEnvironmentVariableIsSet("QUIBBLE_ISA")) {
        Test test;
        return QTest::qExec(&test, argc, argv);
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
        if (!process.waitForFinished(-1) || process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0) ++failed;
    }
    return failed;
}

}  // namespace quibble::testing
