#include "engine/run/branch.h"

namespace quibble {

RunRequest withRecordedPrompt(RunRequest request, const RunProvenance& recorded) {
    if (recorded.prompt_tokens.empty()) return request;
    request.recorded_prompt = {recorded.prompt_tokens, recorded.thinking_open, recorded.clock};
    return request;
}

RunRequest branchRequest(const RunTrace& parent, RunId id, Position pos, TokenId token) {
    RunRequest request = withRecordedPrompt(parent.request(), parent.provenance());
    request.branch = {id, pos, {}};
    for (const TracePoint& point : parent.points()) {
        if (point.token.pos < pos) request.branch.prefix.push_back(point.token.id);
    }
    request.branch.prefix.push_back(token);
    return request;
}

}  // namespace quibble
