#include "engine/base/log.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <spdlog/sinks/rotating_file_sink.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/text/utf8.h"

namespace quibble {

namespace {

using Clock = std::chrono::system_clock;

constexpr std::size_t kLongestLine = 4000;  // bytes
constexpr std::size_t kHiddenTexts = 4;
constexpr std::size_t kHiddenBytes = 65536;  // of each
// After a failure the file is tried again, but not at once: a disk that is full now may have room later.
constexpr auto kRetryAfter = std::chrono::seconds(10);

spdlog::level::level_enum levelOfSink(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return spdlog::level::debug;
        case LogLevel::Info: return spdlog::level::info;
        case LogLevel::Warning: return spdlog::level::warn;
        case LogLevel::Error: return spdlog::level::err;
        case LogLevel::Off: break;
    }
    return spdlog::level::off;
}

std::string oneLine(std::string_view text) {
    const bool cut = text.size() > kLongestLine;
    if (cut) text = text.substr(0, completeUtf8Length(text.substr(0, kLongestLine)));
    std::string line = toValidUtf8(text);
    std::replace_if(line.begin(), line.end(), isControlByte, ' ');
    return cut ? line + " …" : line;
}

// A line without what it has in common with `text`: stretches of kQuote bytes and more, or all of a shorter text.
std::string withoutQuotes(std::string line, std::string_view text) {
    constexpr std::size_t kQuote = 16, kShortest = 4;
    if (text.size() < kShortest) return line;
    const std::size_t length = std::min(kQuote, text.size());
    if (line.size() < length) return line;
    std::unordered_multimap<std::string_view, std::size_t> pieces;
    for (std::size_t at = 0; at + length <= line.size(); ++at)
        pieces.emplace(std::string_view(line).substr(at, length), at);
    std::vector<bool> quoted(line.size());
    for (std::size_t at = 0; at + length <= text.size(); ++at) {
        const auto [begin, end] = pieces.equal_range(text.substr(at, length));
        for (auto piece = begin; piece != end; ++piece)
            std::fill_n(quoted.begin() + static_cast<std::ptrdiff_t>(piece->second), length, true);
        pieces.erase(begin, end);
    }
    std::string out;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (!quoted[at])
            out += line[at];
        else if (at == 0 || !quoted[at - 1])
            out += "[…]";
    }
    return toValidUtf8(out);
}

// Empty: a file of that name can be written. Asked before the sink is made, which would wait for a while before it
// gives up.
std::string whyNotWritable(const std::filesystem::path& file) {
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error) return "cannot make the folder " + file.parent_path().string() + ": " + error.message();
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (descriptor < 0) return "cannot write " + file.string() + ": " + std::generic_category().message(errno);
    ::close(descriptor);
    return {};
}

class LogFile {
public:
    void start(const LogSetup& setup) {
        const std::lock_guard lock(mutex_);
        sink_.reset();
        trouble_.clear();
        setup_ = setup;
        file_ = setup.folder.empty() ? std::filesystem::path{} : setup.folder / (setup.name + ".log");
        if (!file_.empty()) open();
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        sink_.reset();
        file_.clear();
    }

    void write(Clock::time_point time, LogLevel level, const std::string& text) {
        const std::lock_guard lock(mutex_);
        if (file_.empty()) return;
        if (sink_ == nullptr && std::chrono::steady_clock::now() >= retry_at_) open();
        if (sink_ == nullptr) return;
        try {
            sink_->log(spdlog::details::log_msg(time, {}, {}, levelOfSink(level), text));
            sink_->flush();
        } catch (const std::exception& failure) {
            giveUp(failure.what());
        }
    }

    void tell(LogState& state) {
        const std::lock_guard lock(mutex_);
        state.file = file_;
        state.trouble = trouble_;
    }

private:
    // Precondition: mutex_ is held.
    void open() {
        if (const std::string fault = whyNotWritable(file_); !fault.empty()) return giveUp(fault);
        try {
            spdlog::file_event_handlers handlers;
            handlers.after_open = [](const std::string& /*name*/, std::FILE* file) {
                (void)::fchmod(::fileno(file), 0600);
            };
            sink_ = std::make_unique<spdlog::sinks::rotating_file_sink_st>(file_.string(), setup_.file_bytes,
                                                                           setup_.old_files, false, handlers);
            sink_->set_pattern("%Y-%m-%d %H:%M:%S.%e%z [%P] %-7l %v");
            trouble_.clear();
        } catch (const std::exception& failure) {
            giveUp(failure.what());
        }
    }

    // The sink is in no state to be used again after a failure: its file may be closed.
    void giveUp(const std::string& why) {
        sink_.reset();
        trouble_ = why;
        retry_at_ = std::chrono::steady_clock::now() + kRetryAfter;
    }

    std::mutex mutex_;
    LogSetup setup_;
    std::filesystem::path file_;
    std::unique_ptr<spdlog::sinks::rotating_file_sink_st> sink_;
    std::string trouble_;
    std::chrono::steady_clock::time_point retry_at_{};
};

// The file has a mutex of its own, so that whoever reads the lines in memory never waits for a disk.
struct Log {
    LogFile file;
    std::mutex mutex;  // of everything below
    LogLevel level = LogLevel::Info;
    bool texts = false;
    std::deque<std::shared_ptr<const std::string>> hidden;  // newest last
    std::size_t kept = LogSetup{}.kept_lines;
    std::uint64_t last_number = 0;
    std::deque<LogLine> lines;
};

// Never destroyed: threads may write while the program ends.
Log& theLog() {
    static Log* const log = new Log;
    return *log;
}

bool isSet(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

Result<LogSetup> logSetup(std::string_view level, bool texts) {
    const char* from_environment = std::getenv("QUIBBLE_LOG_LEVEL");
    const bool asked = !level.empty();
    if (!asked && from_environment != nullptr) level = from_environment;
    LogSetup setup;
    setup.texts = texts || isSet("QUIBBLE_LOG_TEXTS");
    if (level.empty()) return setup;
    const auto known = logLevelOf(level);
    if (!known) {
        return fail(
            ErrorCode::InvalidArgument, "\"" + std::string(level) + "\" is not a level of the log",
            std::string(asked ? "--log-level" : "QUIBBLE_LOG_LEVEL") + " takes debug, info, warning, error or off");
    }
    setup.level = *known;
    return setup;
}

void startLog(LogSetup setup) {
    Log& log = theLog();
    {
        const std::lock_guard lock(log.mutex);
        log.level = setup.level;
        log.texts = setup.texts;
        log.kept = setup.kept_lines;
    }
    if (setup.level == LogLevel::Off) setup.folder.clear();
    log.file.start(setup);
}

void stopLog() { theLog().file.stop(); }

void logLine(LogLevel level, std::string_view text) noexcept {
    try {
        Log& log = theLog();
        const Clock::time_point now = Clock::now();
        std::deque<std::shared_ptr<const std::string>> hidden;
        {
            const std::lock_guard lock(log.mutex);
            if (level < log.level || level == LogLevel::Off) return;
            if (!log.texts && level >= LogLevel::Warning) hidden = log.hidden;
        }
        std::string line = oneLine(text);
        for (const auto& prompt : hidden) line = withoutQuotes(std::move(line), *prompt);
        {
            const std::lock_guard lock(log.mutex);
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
            log.lines.push_back({++log.last_number, ms, level, line});
            while (log.lines.size() > log.kept) log.lines.pop_front();
        }
        log.file.write(now, level, line);
    } catch (...) {  // memory is short: one line is lost, the program is not
    }
}

void hideInLog(std::string_view text) {
    auto hidden = std::make_shared<const std::string>(text.substr(0, kHiddenBytes));
    Log& log = theLog();
    const std::lock_guard lock(log.mutex);
    std::erase_if(log.hidden, [&](const auto& known) { return *known == *hidden; });
    log.hidden.push_back(std::move(hidden));
    if (log.hidden.size() > kHiddenTexts) log.hidden.pop_front();
}

bool logsTexts() {
    Log& log = theLog();
    const std::lock_guard lock(log.mutex);
    return log.texts;
}

LogState logState() {
    Log& log = theLog();
    LogState state;
    {
        const std::lock_guard lock(log.mutex);
        state.level = log.level;
    }
    log.file.tell(state);
    return state;
}

std::vector<LogLine> logLinesAfter(std::uint64_t after, std::size_t most) {
    Log& log = theLog();
    const std::lock_guard lock(log.mutex);
    if (log.lines.empty() || after >= log.last_number) return {};
    const std::uint64_t first = log.lines.front().number;  // numbers have no gaps
    const std::size_t begin = after < first ? 0 : static_cast<std::size_t>(after - first) + 1;
    const auto from = log.lines.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::size_t count = std::min(most, log.lines.size() - begin);
    return {from, from + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace quibble
