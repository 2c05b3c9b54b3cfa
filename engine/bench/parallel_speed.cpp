#include "engine/bench/parallel_speed.h"

#include <algorithm>
#include <utility>

#include "engine/base/clock.h"

namespace quibble {

Result<double> parallelSpeed(const RunRequest& request, const RunModels& models, CpuDevice& device, int count,
                             const std::stop_token& stop) {
    Scheduler scheduler(device);
    for (int i = 0; i < count; ++i) {
        RunRequest own = request;
        own.seed += static_cast<std::uint64_t>(i);
        auto loop = RunLoop::create(own, models, device, {}, nullptr, memoryLimit, &scheduler.passes());
        if (!loop) return tl::unexpected(loop.error());
        (*loop)->passEnds();
        std::vector<RunEvent> events;
        while ((*loop)->prefillRowsLeft() > 0) {
            if (auto chunk = (*loop)->prefillChunk(events, stop); !chunk) return tl::unexpected(chunk.error());
        }
        auto run = std::make_unique<ScheduledRun>();
        run->id = i;
        run->stage = ScheduledRun::Stage::Decode;
        run->loop = std::move(*loop);
        scheduler.add(std::move(run));
    }
    std::int64_t tokens = 0;
    const std::int64_t began = nowNs();
    while (!scheduler.runs().empty()) {
        if (auto round = scheduler.round(stop); !round) return tl::unexpected(round.error());
        for (const auto& run : scheduler.takeDone()) {
            if (run->failed) return tl::unexpected(*run->failed);
            tokens += std::count_if(run->events.begin(), run->events.end(),
                                    [](const RunEvent& event) { return std::holds_alternative<TokenRecord>(event); });
        }
    }
    return static_cast<double>(tokens) / (static_cast<double>(nowNs() - began) * 1e-9);
}

}  // namespace quibble
