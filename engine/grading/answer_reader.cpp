#include "engine/grading/answer_reader.h"

#include <string>

#include "engine/grading/answer_lexer.h"
#include "engine/grading/answer_parser.h"
#include "engine/grading/answer_words.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxBytes = 2000;

// Without blanks and markdown around it and without stars for bold inside. A bold part is not a power.
std::string withoutBold(std::string_view text) {
    constexpr std::string_view kAround = " \t\r\n*`";
    const std::size_t from = text.find_first_not_of(kAround);
    if (from == std::string_view::npos) return {};
    std::string out(text.substr(from, text.find_last_not_of(kAround) - from + 1));
    if (from == 0 || text[from - 1] != '*') return out;
    for (std::size_t at = out.find("**"); at != std::string::npos; at = out.find("**", at)) out.erase(at, 2);
    return out;
}

void readValue(Reading& reading, std::string_view text) {
    LexedAnswer lexed = lexAnswer(withoutBold(text));
    if (!lexed.fault.empty()) {
        reading.fault = std::move(lexed.fault);
        return;
    }
    AnswerParser parser(std::move(lexed.tokens));
    reading.value = parser.answer();
    reading.fault = parser.fault();
}

std::string joined(const std::vector<Node>& items, std::string_view between) {
    std::string out;
    for (const Node& item : items) {
        if (!out.empty()) out += between;
        out += describe(item);
    }
    return out;
}

std::string bracketed(const Node& node) {
    const bool simple =
        node.items.empty() || node.kind == NodeKind::Function || node.kind == NodeKind::Root || isCollection(node);
    return simple ? describe(node) : "(" + describe(node) + ")";
}

std::string signText(char sign) {
    switch (sign) {
        case 'L': return " <= ";
        case 'G': return " >= ";
        case 'N': return " != ";
        case 'A': return " ~ ";
        case 'E': return " in ";
        default: return std::string(" ") + sign + " ";
    }
}

std::string relationText(const Node& node) {
    std::string out = describe(node.items.front());
    while (!out.empty() && out.back() == ' ') out.pop_back();
    for (std::size_t i = 0; i < node.text.size(); ++i) out += signText(node.text[i]) + describe(node.items[i + 1]);
    return out;
}

std::string bare(const Node& node) {
    const auto& items = node.items;
    switch (node.kind) {
        case NodeKind::Number: return canonicalText(node.number, false);
        case NodeKind::Symbol: return node.text;
        case NodeKind::Add: return joined(items, " + ");
        case NodeKind::Negate: return "-" + bracketed(items[0]);
        case NodeKind::PlusMinus: return "+-" + bracketed(items[0]);
        case NodeKind::Multiply: {
            std::string out;
            for (const Node& item : items) out += (out.empty() ? "" : "*") + bracketed(item);
            return out;
        }
        case NodeKind::Divide: return bracketed(items[0]) + "/" + bracketed(items[1]);
        case NodeKind::Power: return bracketed(items[0]) + "^" + bracketed(items[1]);
        case NodeKind::Root: return "root(" + joined(items, ", ") + ")";
        case NodeKind::Function: return node.text + "(" + joined(items, ", ") + ")";
        case NodeKind::Absolute: return "|" + describe(items[0]) + "|";
        case NodeKind::Factorial: return bracketed(items[0]) + "!";
        case NodeKind::Binomial: return "binomial(" + joined(items, ", ") + ")";
        case NodeKind::Based: return joined(items, " in base ");
        case NodeKind::Tuple: return node.text.front() + joined(items, ", ") + node.text.back();
        case NodeKind::Set: return "{" + joined(items, ", ") + "}";
        case NodeKind::List: return joined(items, ", ");
        case NodeKind::Matrix: return "matrix " + joined(items, ", ");
        case NodeKind::Union: return joined(items, " or ");
        case NodeKind::Relation: return relationText(node);
    }
    return {};
}

}  // namespace

Reading readAnswer(std::string_view text) {
    Reading reading;
    if (text.size() > kMaxBytes) {
        reading.fault = "it is longer than " + std::to_string(kMaxBytes) + " bytes";
        return reading;
    }
    const std::string plain = plainText(text);
    reading.words = proseOf(text);
    if (reading.words.empty()) {
        reading.fault = "it is empty";
        return reading;
    }
    const auto choice = choiceIn(plain);
    if (choice) reading.choice = choice->letter;
    if (choice && !choice->rest.empty()) {
        reading.words = proseOf(choice->rest);
        readValue(reading, choice->rest);
    } else if (choice) {
        reading.value = makeNode(NodeKind::Symbol, {}, std::string(1, choice->letter));
    } else {
        readValue(reading, text);
    }
    if (reading.words == "all real numbers" || reading.words == "all reals") {
        reading.value = makeNode(NodeKind::Symbol, {}, "reals");
        reading.fault.clear();
    }
    if (const int number = numberWord(reading.words); number >= 0) {
        reading.value = makeInteger(number);
        reading.fault.clear();
    }
    return reading;
}

std::string describe(const Node& node) {
    std::string out = bare(node);
    if (node.percent) out += " %";
    if (!node.unit.empty()) out += " [" + node.unit + "]";
    return out;
}

std::string describe(const Reading& reading) {
    const std::string choice = reading.choice != 0 ? std::string("choice ") + reading.choice : std::string();
    const bool letter_alone = reading.choice != 0 && reading.fault.empty() && reading.value.kind == NodeKind::Symbol;
    if (letter_alone) return choice;
    const std::string value = reading.fault.empty() ? describe(reading.value) : "the words \"" + reading.words + "\"";
    return choice.empty() ? value : choice + ": " + value;
}

std::string plainNumber(const Reading& reading) {
    if (!reading.fault.empty() || reading.choice != 0) return {};
    const Node* node = &reading.value;
    const bool bare_unit = node->unit.empty() || node->unit == "dollar";
    if (!bare_unit || node->percent) return {};
    const bool negative = node->kind == NodeKind::Negate;
    if (negative) node = &node->items[0];
    return node->kind == NodeKind::Number ? canonicalText(node->number, negative) : std::string();
}

}  // namespace quibble
