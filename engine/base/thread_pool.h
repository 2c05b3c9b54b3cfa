// Persistent threads for kernels. Work is handed out in chunks on demand, so a thread that lost its core to another job
// costs only its own share: the caller never waits for a worker that has not started. Results do not depend on who
// computes a chunk, because kernels fix the order of every accumulation themselves. Owned and called by one thread (the
// engine thread); parallelFor does not nest.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace quibble {

class ThreadPool {
public:
    /// n_threads counts the caller; 0 means one per core. At most 256.
    explicit ThreadPool(int n_threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

    /// Calls body(begin, end) for disjoint ranges that cover [0, count), each at most `chunk` long, on all threads.
    /// Returns when all of it is done. body must not throw.
    template <typename Body>
    void parallelFor(std::int64_t count, std::int64_t chunk, const Body& body) {
        if (count <= 0) return;
        if (workers_.empty() || count <= chunk) {
            body(std::int64_t{0}, count);
            return;
        }
        run(job(body, count, chunk, chunk));
    }

    /// What shareOut hands out at a time, in items.
    struct Chunks {
        std::int64_t smallest = 1;  // pays for the hand-out
        std::int64_t largest = 1;   // goes by quickly, even on a core that another job shares
    };

    /// parallelFor with long chunks first, because memory is read fastest in long runs, and shorter ones towards the
    /// end, when it shows which thread is slower. An eighth of a thread's share is handed out whatever `largest` says.
    template <typename Body>
    void shareOut(std::int64_t count, Chunks chunks, const Body& body) {
        if (count <= 0) return;
        if (workers_.empty() || count <= chunks.smallest) {
            body(std::int64_t{0}, count);
            return;
        }
        run(job(body, count, chunks.smallest,
                std::max({chunks.smallest, chunks.largest, count / (std::int64_t{8} * size())})));
    }

private:
    struct Job {
        void (*call)(const void*, std::int64_t, std::int64_t) = nullptr;
        const void* context = nullptr;
        std::int64_t count = 0;
        std::int64_t smallest = 1, largest = 1;  // chunk
    };

    template <typename Body>
    static Job job(const Body& body, std::int64_t count, std::int64_t smallest, std::int64_t largest) {
        return {[](const void* context, std::int64_t begin, std::int64_t end) {
                    (*static_cast<const Body*>(context))(begin, end);
                },
                &body, count, smallest, largest};
    }
    void run(const Job& job);
    void work();
    void workerLoop();

    Job job_;
    alignas(64) std::atomic<std::uint32_t> epoch_{0};  // odd while a job is open
    alignas(64) std::atomic<std::int64_t> next_{0};
    alignas(64) std::atomic<int> inside_{0};  // workers that may touch job_
    alignas(64) std::atomic<bool> quit_{false};
    std::vector<std::thread> workers_;
};

}  // namespace quibble
