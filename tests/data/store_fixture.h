// A store and its writer in a folder that goes with the test, and the checks that every store test repeats.
#pragma once

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <memory>
#include <string>

#include "data/store/store.h"
#include "data/store/store_writer.h"
#include "tests/data/trace_fixture.h"

namespace quibble::test {

/// The value, or the test fails with the error's line.
template <typename T>
T need(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().line());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct OpenStore {
    std::unique_ptr<Store> store;
    std::unique_ptr<StoreWriter> writer;

    static OpenStore at(const std::filesystem::path& path) {
        OpenStore open;
        open.store = need(Store::open(path));
        open.writer = need(StoreWriter::open(*open.store));
        return open;
    }
    /// Writes a whole run and waits until it is on disk.
    RunId add(SessionId session, const RunRequest& request, const std::vector<RunEvent>& events) {
        const RunId run = need(writer->beginRun(session, request));
        for (const EventBatchPtr& batch : batchesOf(run, events)) writer->push(batch);
        need(writer->flush());
        return run;
    }
};

/// The request of a branch of `parent` at `pos`.
inline RunRequest branchRequest(RunId parent, Position pos, std::uint64_t seed = 2) {
    RunRequest request = fullRequest(seed);
    request.branch = {parent, pos, {1, 2, 3}};
    return request;
}

inline std::filesystem::path pathIn(const QTemporaryDir& folder, const char* name = "lab.qbl") {
    return folder.filePath(name).toStdString();
}

}  // namespace quibble::test

#define VERIFY_OK(result)                                                                \
    do {                                                                                 \
        const auto& outcome_ = (result);                                                 \
        QVERIFY2(outcome_.has_value(), outcome_ ? "" : outcome_.error().line().c_str()); \
    } while (false)
#define VERIFY_FAILS(result, expected_code)                                                  \
    do {                                                                                     \
        const auto& outcome_ = (result);                                                     \
        QVERIFY2(!outcome_.has_value(), "it should have failed");                            \
        QVERIFY2(outcome_.error().code == (expected_code), outcome_.error().line().c_str()); \
    } while (false)
