#include "engine/base/thread_pool.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace quibble {

namespace {

// About 50 microseconds on current cores: longer than the gap between two layers, shorter than a user notices as a busy
// core.
constexpr int kSpinsBeforeSleep = 2000;

void relax() {
#if defined(__x86_64__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) {
    const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const int wanted = std::clamp(n_threads <= 0 ? cores : n_threads, 1, 256);
    workers_.reserve(static_cast<std::size_t>(wanted - 1));
    for (int i = 1; i < wanted; ++i) workers_.emplace_back([this] { workerLoop(); });
}

ThreadPool::~ThreadPool() {
    quit_.store(true);
    epoch_.fetch_add(2);  // stays even: no job is open
    epoch_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(const Job& job) {
    job_ = job;
    next_.store(0, std::memory_order_relaxed);
    epoch_.fetch_add(1);
    epoch_.notify_all();
    work();
    // Closing before looking at inside_ pairs with the worker's order (enter, then look at the epoch): whoever is late
    // sees a closed job and leaves without touching it.
    epoch_.fetch_add(1);
    for (int spins = 0; inside_.load() != 0; ++spins) {
        if (spins < kSpinsBeforeSleep)
            relax();
        else
            std::this_thread::yield();  // the worker has lost its core in the middle of a chunk
    }
}

void ThreadPool::work() {
    const std::int64_t threads = size();
    std::int64_t begin = next_.load(std::memory_order_relaxed);
    while (begin < job_.count) {
        const std::int64_t left = job_.count - begin;
        const std::int64_t chunk = std::clamp(left * 3 / (4 * threads), job_.smallest, job_.largest);
        if (!next_.compare_exchange_weak(begin, begin + chunk, std::memory_order_relaxed)) continue;
        job_.call(job_.context, begin, std::min(begin + chunk, job_.count));
        begin = next_.load(std::memory_order_relaxed);
    }
}

void ThreadPool::workerLoop() {
    std::uint32_t seen = epoch_.load();
    while (!quit_.load()) {
        const std::uint32_t now = epoch_.load();
        if (now == seen || (now & 1U) == 0) {
            for (int spins = 0; spins < kSpinsBeforeSleep && epoch_.load(std::memory_order_relaxed) == now; ++spins)
                relax();
            if (epoch_.load() == now && !quit_.load()) epoch_.wait(now);
            continue;
        }
        inside_.fetch_add(1);
        if (epoch_.load() == now) work();
        inside_.fetch_sub(1);
        seen = now;
    }
}

}  // namespace quibble
