// The marks that models put around their thoughts, as texts. Two forms: a pair of tags, and the channels of gpt-oss,
// where a message is
// <|channel|>NAME<|message|> ... <|end|> and every channel but the final one is a thought.
#pragma once

#include <array>
#include <string_view>

namespace quibble {

struct TagPair {
    std::string_view open, close;
};
inline constexpr std::array<TagPair, 4> kThoughtTags = {TagPair{"<think>", "</think>"}, TagPair{"[THINK]", "[/THINK]"},
                                                        TagPair{"<|begin_of_thought|>", "<|end_of_thought|>"},
                                                        TagPair{"<Thought>", "</Thought>"}};

inline constexpr std::string_view kTurnMark = "<|start|>";  // in front of a role, where a message follows another
inline constexpr std::string_view kChannelMark = "<|channel|>";
inline constexpr std::string_view kMessageMark = "<|message|>";
inline constexpr std::string_view kTurnEndMark = "<|end|>";
inline constexpr std::string_view kFinalChannel = "final";
inline constexpr std::size_t kLongestChannelName = 64;

}  // namespace quibble
