#include "app/cli/interrupt.h"

#include <atomic>
#include <chrono>
#include <csignal>

namespace quibble::cli {

namespace {

constexpr std::chrono::milliseconds kLook{5};

// A handler may do little more than this.
std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void onInterrupt(int signal) {
    g_interrupted.store(true);
    std::signal(signal, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt()
    : watcher_([source = source_](const std::stop_token& quit) mutable {
          while (!quit.stop_requested() && !source.stop_requested()) {
              if (g_interrupted.load()) source.request_stop();
              std::this_thread::sleep_for(kLook);
          }
      }) {
    std::signal(SIGINT, onInterrupt);
    std::signal(SIGTERM, onInterrupt);
}

Interrupt::~Interrupt() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

}  // namespace quibble::cli
