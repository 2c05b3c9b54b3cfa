// QTEST_MAIN with the theme installed, as the window does it.
#pragma once

#include <QApplication>
#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>

#include "tests/support/run_builder.h"
#include "views/run_document.h"
#include "views/theme.h"

namespace quibble::testing {

inline void loadRun(RunDocument& document, const RunSettings& settings) {
    document.setTrace(makeTrace(settings), RunId{1});
}

/// Index of the first token whose text is `bytes`; -1: none.
inline int tokenWithText(const RunTrace& trace, std::string_view bytes) {
    for (std::size_t i = 0; i < trace.points().size(); ++i) {
        if (trace.text(trace.points()[i].token.id) == bytes) return static_cast<int>(i);
    }
    return -1;
}

}  // namespace quibble::testing

#define QUIBBLE_VIEW_TEST_MAIN(TestClass)        \
    int main(int argc, char** argv) {            \
        QApplication app(argc, argv);            \
        quibble::Theme::instance().install(app); \
        TestClass test;                          \
        QTEST_SET_MAIN_SOURCE_PATH               \
        return QTest::qExec(&test, argc, argv);  \
    }
