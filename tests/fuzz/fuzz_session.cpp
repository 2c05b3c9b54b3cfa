// libFuzzer target: any bytes as a session database. Everything a front end can ask of it is asked; then it is taken in
// as a session that somebody sent, and its runs are read once more from where they were put.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <unistd.h>

#include "data/file_kind.h"
#include "data/store/store.h"

namespace {

using namespace quibble;

// In memory where there is such a folder: each input is a file of its own.
const std::filesystem::path& folder() {
    static const std::filesystem::path path = [] {
        const std::filesystem::path memory = "/dev/shm";
        std::error_code error;
        const auto base =
            std::filesystem::is_directory(memory, error) ? memory : std::filesystem::temp_directory_path();
        const auto made = base / ("quibble-fuzz-" + std::to_string(::getpid()));
        std::filesystem::create_directories(made);
        std::atexit([] {
            std::error_code ignored;
            std::filesystem::remove_all(folder(), ignored);
        });
        return made;
    }();
    return path;
}

template <typename T>
bool check(const Result<T>& result) {
    if (!result && result.error().what.empty()) __builtin_trap();  // an error always says what is wrong
    return result.has_value();
}

void readRun(const Store& store, RunId run) {
    (void)check(store.runSummary(run));
    (void)check(store.listedRun(run));
    (void)check(store.stemOf(run));
    (void)check(store.branchesOf(run, 50));
    (void)check(store.traceSize(run));
    (void)check(store.loadRequest(run));
    (void)check(store.loadRun(run));
    (void)check(store.listNotes(run));
}

void readEverything(const Store& store) {
    (void)check(store.runIntegrityCheck());
    (void)check(store.lastSession());
    (void)check(store.listSessions("a"));
    (void)check(store.findRuns("a", 20));
    const auto sessions = store.sessionPage(std::nullopt, 20);
    if (!check(sessions)) return;
    for (const SessionSummary& session : *sessions) {
        (void)check(store.sessionModels(session.id));
        (void)check(store.firstPrompt(session.id));
        (void)check(store.newestRun(session.id));
        (void)check(store.listRuns(session.id));
        const auto page = store.runPage(session.id, kNoRun, 20);
        if (!check(page)) continue;
        for (const RunSummary& run : page->runs) readRun(store, run.id);
    }
    for (std::int64_t id = 1; id <= 3; ++id) readRun(store, RunId{id});
}

void takeIn(Store& into, const std::filesystem::path& file) {
    const auto session = into.importSession(file);
    if (!check(session)) return;
    const auto runs = into.listRuns(*session);
    if (!runs) __builtin_trap();  // what was taken in was checked
    for (const RunSummary& run : *runs) {
        if (!into.loadRun(run.id)) __builtin_trap();
    }
    if (!into.deleteSession(*session) || !into.purge()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::unique_ptr<Store> into = [] {
        auto made = Store::open(folder() / "into.db");
        if (!made) std::abort();
        return std::move(*made);
    }();
    const std::filesystem::path file = folder() / "input.db";
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm", "-journal", ".v1.backup", ".v2.backup"})
        std::filesystem::remove(file.string() + ending, ignored);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    (void)fileKindOf(file);
    if (const auto store = Store::open(file, OpenMode::ReadOnly); check(store)) readEverything(**store);
    takeIn(*into, file);
    // Opened for writing it is brought up to date, and unfinished runs are marked.
    if (size % 2 == 1) {
        if (const auto store = Store::open(file); check(store)) readEverything(**store);
    }
    return 0;
}
