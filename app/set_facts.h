// What came of a problem set, as text for the window: one headline, one row a figure, and the problems that could not
// be run.
#pragma once

#include <utility>
#include <vector>

#include <QString>

#include "app/evaluation/set_evaluation.h"
#include "engine/values/run_request.h"

namespace quibble {

struct SetSummary {
    QString name;      // "nano-examples · quibble-nano · RTN 3 bit g64"
    QString headline;  // "16 of 20 right: 80 %"
    QString brief;     // "95 % interval 58 % to 92 %, 189 tokens on average, mean KL 0.08 nat."
    QString state;     // that it is not the whole set, or where results were taken over; may be empty
    std::vector<std::pair<QString, QString>> facts;   // name, value
    std::vector<std::pair<QString, QString>> failed;  // problem, reason
    QString report;                                   // what quibble-cli eval prints
};

[[nodiscard]] SetSummary summaryOf(const QString& name, const RunRequest& setting, const RunModels& models,
                                   const SetOutcome& outcome);

/// "12 of 20, 8,200 tok/s, about 3 min left". taken: problems that were done before this call.
[[nodiscard]] QString setProgressText(const SetProgress& progress, std::size_t taken);

}  // namespace quibble
