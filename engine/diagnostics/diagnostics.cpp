#include "engine/diagnostics/diagnostics.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include <sys/utsname.h>

#include "engine/base/log.h"
#include "engine/base/memory_use.h"
#include "engine/model/model.h"
#include "engine/model/model_tuning.h"
#include "engine/values/version.h"
#include "kernels/ops.h"

// The build says these (engine/CMakeLists.txt).
#ifndef QUIBBLE_BUILD_TYPE
#define QUIBBLE_BUILD_TYPE "unknown"
#define QUIBBLE_BUILD_FLAGS ""
#define QUIBBLE_BUILD_OPTIONS ""
#endif

namespace quibble {

namespace {

// What the kernels are made for, and what tells generations of processors apart.
constexpr std::array kFeatures{"sse4_2",      "avx",      "avx2",     "fma",         "f16c",       "avx512f",
                               "avx512bw",    "avx512vl", "avx512dq", "avx512_vnni", "avx_vnni",   "avx512_bf16",
                               "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",    "hypervisor", "asimd",
                               "asimddp",     "i8mm",     "bf16",     "sve"};
constexpr std::array kTables{"portable", "avx2", "avx512", "amx"};
constexpr std::array kVariables{
    "QUIBBLE_ISA",  "QUIBBLE_DATA_DIR", "QUIBBLE_IGNORE_MEMORY", "QUIBBLE_LOG_LEVEL", "QUIBBLE_LOG_TEXTS",
    "QUIBBLE_TUNE", "XDG_STATE_HOME",   "XDG_CONFIG_HOME",       "XDG_DATA_HOME",     "LANG",
    "LC_ALL",       "QT_QPA_PLATFORM",  "QT_SCALE_FACTOR"};

std::string compilerText() {
#if defined(__clang__)
    return std::string("Clang ") + __clang_version__;
#elif defined(__GNUC__)
    return std::string("GCC ") + __VERSION__;
#else
    return "unknown";
#endif
}

// "key : value" or "key: value" lines, the first of each key.
std::map<std::string, std::string> pairsIn(const std::filesystem::path& file) {
    std::map<std::string, std::string> pairs;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t key_end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1),
                          begin = line.find_first_not_of(" \t", colon + 1);
        if (key_end == std::string::npos) continue;
        pairs.emplace(line.substr(0, key_end + 1), begin == std::string::npos ? std::string() : line.substr(begin));
    }
    return pairs;
}

std::string systemText() {
    std::string name;
    std::ifstream in("/etc/os-release");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("PRETTY_NAME=")) name = line.substr(12);
    }
    std::erase(name, '"');
    utsname system{};
    if (uname(&system) != 0) return name;
    return name + (name.empty() ? "" : ", ") + system.sysname + " " + system.release + " " + system.machine;
}

DiagnosticSection programSection(const FrontEnd& front_end) {
    DiagnosticSection section{
        "Program",
        {{"Version", front_end.program + " " + kVersion}, {"Build", QUIBBLE_BUILD_TYPE}, {"Compiler", compilerText()}}};
    if (const std::string flags = QUIBBLE_BUILD_FLAGS; !flags.empty())
        section.facts.push_back({"Compiler flags", flags});
    if (const std::string options = QUIBBLE_BUILD_OPTIONS; !options.empty())
        section.facts.push_back({"Build options", options});
    section.facts.push_back({"System", systemText()});
    section.facts.insert(section.facts.end(), front_end.libraries.begin(), front_end.libraries.end());
    return section;
}

std::string whyInUse() {
    const char* forced = std::getenv("QUIBBLE_ISA");
    if (forced != nullptr && *forced != '\0') return "QUIBBLE_ISA asks for it";
    return "the fastest that this machine can run";
}

DiagnosticSection memorySection() {
    DiagnosticSection section{"Memory", {}};
    std::istringstream total(pairsIn("/proc/meminfo")["MemTotal"]);
    if (std::int64_t kilobytes = 0; total >> kilobytes)
        section.facts.push_back({"Of the machine", bytesText(kilobytes * 1024)});
    const auto left = availableMemoryBytes();
    section.facts.push_back({"Free for this process", left ? bytesText(*left) : "the system does not say"});
    if (!memoryLimit() && left)
        section.facts.push_back({"Check before loading", "switched off by QUIBBLE_IGNORE_MEMORY"});
    section.facts.push_back({"Most in use so far", bytesText(peakMemoryBytes())});
    return section;
}

DiagnosticSection pathsSection(const FrontEnd& front_end) {
    DiagnosticSection section{"Paths", front_end.paths};
    const LogState log = logState();
    section.facts.push_back({"Log", log.file.empty() ? "in memory only" : log.file.string()});
    if (!log.trouble.empty()) section.facts.push_back({"Log cannot be written", log.trouble});
    section.facts.push_back({"Log level", logLevelText(log.level)});
    return section;
}

DiagnosticSection environmentSection() {
    DiagnosticSection section{"Environment", {}};
    for (const char* name : kVariables) {
        if (const char* value = std::getenv(name); value != nullptr) section.facts.push_back({name, value});
    }
    return section;
}

}  // namespace

DiagnosticSection processorSection(const std::filesystem::path& proc) {
    auto cpu = pairsIn(proc / "cpuinfo");
    DiagnosticSection section{"Processor", {}};
    if (const std::string name = cpu["model name"]; !name.empty()) section.facts.push_back({"Model", name});
    section.facts.push_back({"Cores for this process", std::to_string(std::thread::hardware_concurrency())});
    std::istringstream words(cpu.contains("flags") ? cpu["flags"] : cpu["Features"]);
    const std::set<std::string> present{std::istream_iterator<std::string>(words), {}};
    std::string has;
    for (const char* feature : kFeatures) {
        if (present.contains(feature)) has += (has.empty() ? "" : " ") + std::string(feature);
    }
    section.facts.push_back({"Features", has.empty() ? "the system does not say" : has});
    const auto chosen = kernels::isaFromEnvironment();
    section.facts.push_back(
        {"Kernels in use", chosen.ops == nullptr ? chosen.error : std::string(chosen.ops->isa) + ": " + whyInUse()});
    for (const char* table : kTables) {
        const auto choice = kernels::selectIsa(table);
        section.facts.push_back(
            {std::string("Kernels ") + table, choice.ops != nullptr ? "can run here" : choice.error});
    }
    if (chosen.ops != nullptr) {
        const std::string why_not = kernels::whyNoMatmulBf16(*chosen.ops);
        section.facts.push_back({"Products of BF16", why_not.empty() ? "can run here" : why_not});
    }
    return section;
}

std::vector<DiagnosticSection> diagnose(const FrontEnd& front_end) {
    return {programSection(front_end), processorSection(),      {"Kernel tuning", front_end.model},
            memorySection(),           pathsSection(front_end), environmentSection()};
}

std::vector<DiagnosticFact> tuningFacts(const Model& model) {
    const ModelTuning& tuning = model.tuning();
    std::vector<DiagnosticFact> facts{{model.config().name, tuning.source()}};
    for (const TuningChoice& choice : tuning.choices()) facts.push_back({choice.what, choice.text()});
    return facts;
}

std::string diagnosticText(const std::vector<DiagnosticSection>& sections) {
    std::string text;
    for (const DiagnosticSection& section : sections) {
        if (section.facts.empty()) continue;
        std::size_t widest = 0;
        for (const DiagnosticFact& fact : section.facts) widest = std::max(widest, fact.name.size());
        text += (text.empty() ? "" : "\n") + section.title + '\n';
        for (const DiagnosticFact& fact : section.facts) {
            text += "  " + fact.name + std::string(widest - fact.name.size() + 2, ' ') + fact.value + '\n';
        }
    }
    return text;
}

}  // namespace quibble
