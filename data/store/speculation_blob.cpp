#include "data/store/speculation_blob.h"

#include <algorithm>
#include <bit>

#include "data/store/little_endian.h"

namespace quibble {

namespace {

constexpr std::size_t kNodeBytes = 25;
constexpr std::size_t kChoiceBytes = 6;
constexpr std::size_t kLayerBytes = 8;

std::string lengthFault(std::string_view bytes, const std::string& wanted) {
    return "has " + std::to_string(bytes.size()) + " bytes, not " + wanted;
}

std::string unknownToken(TokenId id) {
    return "names token " + std::to_string(id) + ", which is not in the vocabulary";
}

bool known(TokenId id, const ModelShape& shape) { return id >= 0 && (shape.vocab == 0 || id < shape.vocab); }

std::string nodeFault(const DraftRound& round, const ModelShape& shape) {
    if (round.nodes.size() > kMaxDraftNodes)
        return "has " + std::to_string(round.nodes.size()) + " nodes, more than 4096";
    for (std::size_t i = 0; i < round.nodes.size(); ++i) {
        const DraftNode& node = round.nodes[i];
        if (node.parent < -1 || node.parent >= static_cast<std::int32_t>(i))
            return "node " + std::to_string(i) + " hangs under node " + std::to_string(node.parent);
        if (!known(node.id, shape)) return unknownToken(node.id);
    }
    return {};
}

}  // namespace

ModelShape shapeOf(const RunProvenance& provenance) {
    return {provenance.vocab_size, provenance.expert_layers, provenance.experts};
}

std::string packNodes(const std::vector<DraftNode>& nodes) {
    BlobWriter out;
    for (const DraftNode& node : nodes) {
        out.int32(node.parent);
        out.int32(node.id);
        for (const float value : {node.draft_prob, node.target_prob, node.accept_prob, node.draw}) out.float32(value);
        out.byte(static_cast<std::uint8_t>(node.fate));
    }
    return out.take();
}

std::string unpackNodes(std::string_view bytes, std::vector<DraftNode>& nodes) {
    nodes.clear();
    if (bytes.size() % kNodeBytes != 0) return lengthFault(bytes, "a multiple of 25");
    if (bytes.size() / kNodeBytes > kMaxDraftNodes)
        return "has " + std::to_string(bytes.size() / kNodeBytes) + " nodes, more than 4096";
    nodes.resize(bytes.size() / kNodeBytes);
    BlobReader in(bytes);
    for (DraftNode& node : nodes) {
        node.parent = in.int32();
        node.id = in.int32();
        for (float* value : {&node.draft_prob, &node.target_prob, &node.accept_prob, &node.draw}) *value = in.float32();
        const std::uint8_t fate = in.byte();
        if (fate > static_cast<std::uint8_t>(DraftFate::Accepted)) return "has a node of fate " + std::to_string(fate);
        node.fate = static_cast<DraftFate>(fate);
    }
    return {};
}

std::string packExperts(const TokenExperts& experts) {
    BlobWriter out;
    for (std::size_t i = 0; i < experts.ids.size(); ++i) {
        out.int16(experts.ids[i]);
        out.float32(experts.weights[i]);
    }
    // Without a budget no mass is ever dropped, and the masses are then left out of the blob. Only zeros without a sign
    // count as no mass, so that every stored value comes back bit for bit.
    const auto nothing = [](float mass) { return std::bit_cast<std::uint32_t>(mass) == 0; };
    if (!std::all_of(experts.dropped_mass.begin(), experts.dropped_mass.end(), nothing)) {
        for (const float mass : experts.dropped_mass) out.float32(mass);
    }
    return out.take();
}

std::string unpackExperts(std::string_view bytes, TokenExperts& experts) {
    const auto layers = static_cast<std::size_t>(experts.layers);
    const std::size_t choices = layers * static_cast<std::size_t>(experts.per_token);  // both below 2^15
    const std::size_t short_form = choices * kChoiceBytes, long_form = short_form + 4 * layers;
    if (bytes.size() != short_form && bytes.size() != long_form) {
        return lengthFault(bytes, std::to_string(short_form) + " or " + std::to_string(long_form));
    }
    experts.ids.resize(choices);
    experts.weights.resize(choices);
    experts.dropped_mass.assign(layers, 0.0F);
    BlobReader in(bytes);
    for (std::size_t i = 0; i < choices; ++i) {
        experts.ids[i] = in.int16();
        experts.weights[i] = in.float32();
    }
    if (bytes.size() == long_form) {
        for (float& mass : experts.dropped_mass) mass = in.float32();
    }
    return {};
}

std::string packLayers(const std::vector<ExpertLayerUse>& layers) {
    BlobWriter out;
    for (const ExpertLayerUse& layer : layers) {
        out.uint16(static_cast<std::uint16_t>(layer.natural));
        out.uint16(static_cast<std::uint16_t>(layer.executed));
        out.float32(layer.coverage);
    }
    return out.take();
}

std::string unpackLayers(std::string_view bytes, std::vector<ExpertLayerUse>& layers) {
    layers.clear();
    if (bytes.size() % kLayerBytes != 0) return lengthFault(bytes, "a multiple of 8");
    if (bytes.size() / kLayerBytes > static_cast<std::size_t>(kMaxExperts))
        return lengthFault(bytes, "of so many layers");
    layers.resize(bytes.size() / kLayerBytes);
    BlobReader in(bytes);
    for (ExpertLayerUse& layer : layers) {
        layer.natural = in.uint16();
        layer.executed = in.uint16();
        layer.coverage = in.float32();
    }
    return {};
}

std::string packFloats(const std::vector<float>& values) {
    BlobWriter out;
    for (const float value : values) out.float32(value);
    return out.take();
}

std::string unpackFloats(std::string_view bytes, std::size_t most, std::vector<float>& values) {
    values.clear();
    if (bytes.size() % 4 != 0) return lengthFault(bytes, "a multiple of 4");
    if (bytes.size() / 4 > most)
        return "has " + std::to_string(bytes.size() / 4) + " entries, more than " + std::to_string(most);
    values.resize(bytes.size() / 4);
    BlobReader in(bytes);
    for (float& value : values) value = in.float32();
    return {};
}

std::vector<std::int32_t> acceptedNodes(const DraftRound& round) {
    std::vector<std::int32_t> accepted;
    for (std::size_t i = 0; i < round.nodes.size(); ++i) {
        if (round.nodes[i].fate == DraftFate::Accepted) accepted.push_back(static_cast<std::int32_t>(i));
    }
    return accepted;
}

std::string faultOf(const DraftRound& round, const ModelShape& shape) {
    if (round.rows < 0 || round.draft_ns < 0 || round.verify_ns < 0 || round.other_ns < 0)
        return "has a negative count or time";
    if (const std::string fault = nodeFault(round, shape); !fault.empty()) return fault;
    const std::vector<std::int32_t> chain = acceptedNodes(round);
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const std::int32_t before = i == 0 ? -1 : chain[i - 1];
        if (round.nodes[static_cast<std::size_t>(chain[i])].parent != before)
            return "accepted node " + std::to_string(chain[i]) + " does not follow the accepted path";
    }
    if (round.path.size() > chain.size() || !std::equal(round.path.begin(), round.path.end(), chain.begin()))
        return "the path is not that of the accepted nodes";
    if (round.added == kNoToken) return round.corrected ? "a correction without a token" : "";
    if (!known(round.added, shape)) return unknownToken(round.added);
    return round.path.size() == chain.size() ? "" : "a token was added in the middle of the accepted path";
}

std::string faultOf(const TokenExperts& experts, const ModelShape& shape) {
    if (experts.layers != shape.expert_layers || experts.layers < 1) {
        return "has " + std::to_string(experts.layers) + " layers, the model has " +
               std::to_string(shape.expert_layers) + " with experts";
    }
    if (experts.per_token < 1 || experts.per_token > shape.experts)
        return "has " + std::to_string(experts.per_token) + " experts a token of " + std::to_string(shape.experts);
    const std::size_t choices = static_cast<std::size_t>(experts.layers) * static_cast<std::size_t>(experts.per_token);
    if (experts.ids.size() != choices || experts.weights.size() != choices ||
        experts.dropped_mass.size() != static_cast<std::size_t>(experts.layers)) {
        return "has lists of another length than layers and experts a token say";
    }
    for (const std::int16_t id : experts.ids) {
        if (id < kNoExpert || id >= shape.experts)
            return "names expert " + std::to_string(id) + " of " + std::to_string(shape.experts);
    }
    return {};
}

std::string faultOf(const ExpertPass& pass, const ModelShape& shape) {
    if (pass.rows < 0 || pass.budget < 0 || pass.expert_bytes < 0 || pass.total_bytes < 0 || pass.pass_ns < 0)
        return "has a negative count or time";
    if (shape.expert_layers < 1 || pass.layers.size() != static_cast<std::size_t>(shape.expert_layers)) {
        return "has " + std::to_string(pass.layers.size()) + " layers, the model has " +
               std::to_string(shape.expert_layers) + " with experts";
    }
    const auto experts = static_cast<std::size_t>(shape.experts);
    if (!pass.coverage_by_budget.empty() && pass.coverage_by_budget.size() != experts) {
        return "has a coverage curve of " + std::to_string(pass.coverage_by_budget.size()) +
               " budgets, the model has " + std::to_string(experts) + " experts";
    }
    for (const ExpertLayerUse& layer : pass.layers) {
        const bool sound = layer.natural >= 0 && layer.natural <= shape.experts && layer.executed >= 0 &&
                           layer.executed <= shape.experts;
        if (!sound) return "counts more experts than the model's " + std::to_string(experts);
    }
    return {};
}

}  // namespace quibble
