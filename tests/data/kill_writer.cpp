// Writes a run in real time, one token a millisecond, and says on standard output, with the time, what it has pushed:
// the proof of how much a SIGKILL may cost. Ends only when it is killed.
//   kill_writer DATABASE SEED

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "data/store/store.h"
#include "data/store/store_writer.h"
#include "tests/data/trace_fixture.h"

namespace {

using namespace quibble;

std::int64_t nowMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

int failWith(const Error& error) {
    std::fprintf(stderr, "kill_writer: %s\n", error.line().c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return failWith({ErrorCode::InvalidArgument, "usage: kill_writer DATABASE SEED", ""});
    const auto store = Store::open(argv[1]);
    if (!store) return failWith(store.error());
    const auto writer = StoreWriter::open(**store);
    if (!writer) return failWith(writer.error());
    auto session = (*store)->lastSession();
    if (session && *session == kNoSession) session = (*store)->createSession("killed");
    if (!session) return failWith(session.error());

    const auto seed = static_cast<std::uint64_t>(std::strtoull(argv[2], nullptr, 10));
    const auto run = (*writer)->beginRun(*session, test::fullRequest(seed));
    if (!run) return failWith(run.error());
    std::printf("run %lld\n", static_cast<long long>(raw(*run)));
    const auto events = test::eventsOf({.seed = seed, .tokens = 20000, .drafts = true, .experts = 8});
    auto batch = std::make_shared<EventBatch>();
    for (const RunEvent& event : events) {
        batch->run = *run;
        batch->events.push_back(event);
        const auto* token = std::get_if<TokenRecord>(&event);
        if (token == nullptr) continue;
        (*writer)->push(std::exchange(batch, std::make_shared<EventBatch>()));
        std::printf("%lld %d\n", static_cast<long long>(nowMs()), token->pos);
        std::fflush(stdout);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return 0;
}
