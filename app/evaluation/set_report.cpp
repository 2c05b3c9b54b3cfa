#include "app/evaluation/set_report.h"

#include <vector>

namespace quibble {

namespace {

std::vector<std::string> textsOf(const std::vector<MethodChoice>& rules) {
    std::vector<std::string> texts;
    texts.reserve(rules.size());
    for (const MethodChoice& rule : rules) texts.push_back(rule.text());
    return texts;
}

}  // namespace

nlohmann::ordered_json setReport(const RunRequest& setting, const RunModels& models, const SetOutcome& outcome) {
    nlohmann::ordered_json out;
    out["model"] = models.quantized->config().name;
    out["weight_format"] = models.quantized->weightFormat();
    out["bits_per_weight"] = models.quantized->bitsPerWeight();
    out["penalty"] = setting.penalty.strength;
    out["rules"] = {{"logits", textsOf(setting.logits)}, {"control", textsOf(setting.control)}};
    out["temperature"] = setting.sampler.temperature;
    out["top_p"] = setting.sampler.top_p;
    outcome.evaluation.addTo(out, outcome.interrupted);
    out["failures"] = out["failed"];  // what the list was called before
    out["parallel"] = outcome.parallel.runs;
    out["tokens_per_second"] = outcome.progress.tokensPerSecond();
    return out;
}

std::string reportText(const nlohmann::ordered_json& report) {
    const auto dumped = [](const nlohmann::ordered_json& value) {
        return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    std::string text;
    for (const auto& [key, value] : report.items()) {
        if (key != "failures" && key != "failed") text += key + ": " + dumped(value) + '\n';
    }
    text += "failed: " + std::to_string(report["failed"].size()) + '\n';
    for (const auto& failure : report["failed"]) {
        text += "not run, " + failure["id"].get<std::string>() + ": " + failure["reason"].get<std::string>() + '\n';
    }
    return text;
}

}  // namespace quibble
