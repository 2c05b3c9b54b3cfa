#include "engine/grading/tex_names.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/grading/characters.h"

namespace quibble {

namespace {

constexpr auto kSign = TokenKind::Sign;
constexpr auto kLetter = TokenKind::Letter;
constexpr auto kLooks = TokenKind::End;
constexpr auto kCommand = TokenKind::Command;
constexpr auto kMoney = TokenKind::Currency;

constexpr TexMeaning kMeanings[] = {
    {"frac", kCommand, "frac", 0},
    {"dfrac", kCommand, "frac", 0},
    {"tfrac", kCommand, "frac", 0},
    {"cfrac", kCommand, "frac", 0},
    {"sqrt", kCommand, "sqrt", 0},
    {"binom", kCommand, "binom", 0},
    {"dbinom", kCommand, "binom", 0},
    {"tbinom", kCommand, "binom", 0},
    {"cdot", kSign, "", '*'},
    {"times", kSign, "", '*'},
    {"ast", kSign, "", '*'},
    {"div", kSign, "", '/'},
    {"slash", kSign, "", '/'},
    {"le", kSign, "", 'L'},
    {"leq", kSign, "", 'L'},
    {"leqslant", kSign, "", 'L'},
    {"ge", kSign, "", 'G'},
    {"geq", kSign, "", 'G'},
    {"geqslant", kSign, "", 'G'},
    {"lt", kSign, "", '<'},
    {"gt", kSign, "", '>'},
    {"ne", kSign, "", 'N'},
    {"neq", kSign, "", 'N'},
    {"approx", kSign, "", 'A'},
    {"pm", kSign, "", 'P'},
    {"mp", kSign, "", 'M'},
    {"cup", kSign, "", 'U'},
    {"in", kSign, "", 'E'},
    {"circ", kSign, "", 'D'},
    {"degree", kSign, "", 'D'},
    {"{", kSign, "", 'S'},
    {"}", kSign, "", 'T'},
    {"lbrace", kSign, "", 'S'},
    {"rbrace", kSign, "", 'T'},
    {"langle", kSign, "", '('},
    {"rangle", kSign, "", ')'},
    {"lvert", kSign, "", '|'},
    {"mid", kSign, "", '|'},
    {"rvert", kSign, "", '|'},
    {"vert", kSign, "", '|'},
    {"lbrack", kSign, "", '['},
    {"rbrack", kSign, "", ']'},
    {"%", kSign, "", '%'},
    {"prime", kSign, "", '\''},
    {"colon", kSign, "", ':'},
    {"_", kSign, "", '_'},
    {"&", kSign, "", '&'},
    {"newline", kSign, "", 'R'},
    {"lor", kSign, "", ';'},
    {"vee", kSign, "", ';'},
    {"$", kMoney, "dollar", 0},
    {"textdollar", kMoney, "dollar", 0},
    {"euro", kMoney, "euro", 0},
    {"pounds", kMoney, "pound", 0},
    {"yen", kMoney, "yen", 0},
    {"pi", kLetter, "pi", 0},
    {"infty", kLetter, "inf", 0},
    {"alpha", kLetter, "alpha", 0},
    {"beta", kLetter, "beta", 0},
    {"gamma", kLetter, "gamma", 0},
    {"delta", kLetter, "delta", 0},
    {"epsilon", kLetter, "epsilon", 0},
    {"varepsilon", kLetter, "epsilon", 0},
    {"theta", kLetter, "theta", 0},
    {"vartheta", kLetter, "theta", 0},
    {"lambda", kLetter, "lambda", 0},
    {"mu", kLetter, "mu", 0},
    {"nu", kLetter, "nu", 0},
    {"rho", kLetter, "rho", 0},
    {"sigma", kLetter, "sigma", 0},
    {"tau", kLetter, "tau", 0},
    {"phi", kLetter, "phi", 0},
    {"varphi", kLetter, "phi", 0},
    {"chi", kLetter, "chi", 0},
    {"psi", kLetter, "psi", 0},
    {"omega", kLetter, "omega", 0},
    {"Delta", kLetter, "Delta", 0},
    {"Omega", kLetter, "Omega", 0},
    {"Phi", kLetter, "Phi", 0},
    {"ell", kLetter, "ell", 0},
    {"emptyset", kLetter, "emptyset", 0},
    {"varnothing", kLetter, "emptyset", 0},
    {"angle", kLooks, "", 0},
    {"displaystyle", kLooks, "", 0},
    {"textstyle", kLooks, "", 0},
    {"limits", kLooks, "", 0},
    {",", kLooks, "", 0},
    {";", kLooks, "", 0},
    {":", kLooks, "", 0},
    {"!", kLooks, "", 0},
    {" ", kLooks, "", 0},
    {">", kLooks, "", 0},
    {"quad", kLooks, "", 0},
    {"qquad", kLooks, "", 0},
    {"big", kLooks, "", 0},
    {"Big", kLooks, "", 0},
    {"bigg", kLooks, "", 0},
    {"Bigg", kLooks, "", 0},
    {"bigl", kLooks, "", 0},
    {"bigr", kLooks, "", 0},
    {"Bigl", kLooks, "", 0},
    {"Bigr", kLooks, "", 0},
    {"mathbf", kLooks, "", 0},
    {"mathit", kLooks, "", 0},
    {"mathcal", kLooks, "", 0},
    {"boldsymbol", kLooks, "", 0},
    {"bm", kLooks, "", 0},
    {"vec", kLooks, "", 0},
    {"middle", kLooks, "", 0},
    {"(", kLooks, "", 0},
    {")", kLooks, "", 0},
    {"[", kLooks, "", 0},
    {"]", kLooks, "", 0},
    {"boxed", kLooks, "", 0},
    {"triangle", kLooks, "", 0},
};

constexpr std::string_view kFunctions[] = {"sin",    "cos",    "tan",  "cot",  "sec",  "csc",  "arcsin",
                                           "arccos", "arctan", "asin", "acos", "atan", "sinh", "cosh",
                                           "tanh",   "log",    "ln",   "exp",  "abs",  "sqrt", "cbrt"};

constexpr std::string_view kTextCommands[] = {"text",   "textbf",     "textit",       "textrm", "textsf",
                                              "texttt", "textnormal", "mbox",         "hbox",   "mathrm",
                                              "mathsf", "mathtt",     "operatorname", "emph",   "underline"};

// Units and words of fewer than four letters. What is not here and as short is a product of symbols.
constexpr std::string_view kShortWords[] = {
    "cm",  "mm",  "km",  "kg",  "mg",  "ml",  "mL",  "ft", "yd",  "lb",  "lbs", "oz",  "mi",  "mph", "kph", "hr",
    "hrs", "min", "sec", "deg", "rad", "am",  "pm",  "AM", "PM",  "and", "or",  "per", "the", "of",  "is",  "not",
    "no",  "yes", "No",  "Yes", "all", "for", "are", "if", "one", "two", "six", "ten", "day", "men", "USD", "EUR",
    "sq",  "cu",  "mod", "an",  "to",  "at",  "by",  "as", "it",  "odd", "The", "DNE", "Hz",  "kJ",
};

constexpr std::pair<std::string_view, std::string_view> kSymbols[] = {
    {"\xE2\x88\x92", "-"},
    {"\xE2\x80\x93", "-"},
    {"\xC3\x97", "\\times "},
    {"\xC2\xB7", "\\cdot "},
    {"\xE2\x8B\x85", "\\cdot "},
    {"\xC3\xB7", "\\div "},
    {"\xE2\x89\xA4", "\\le "},
    {"\xE2\x89\xA5", "\\ge "},
    {"\xE2\x89\xA0", "\\ne "},
    {"\xE2\x89\x88", "\\approx "},
    {"\xC2\xB1", "\\pm "},
    {"\xE2\x88\x93", "\\mp "},
    {"\xE2\x88\x9E", "\\infty "},
    {"\xCF\x80", "\\pi "},
    {"\xCE\xB8", "\\theta "},
    {"\xCE\xB1", "\\alpha "},
    {"\xCE\xB2", "\\beta "},
    {"\xE2\x88\x9A", "sqrt "},
    {"\xC2\xB0", "\\degree "},
    {"\xC2\xB2", "^{2}"},
    {"\xC2\xB3", "^{3}"},
    {"\xC2\xB9", "^{1}"},
    {"\xE2\x81\xB4", "^{4}"},
    {"\xE2\x81\xB5", "^{5}"},
    {"\xE2\x81\xB6", "^{6}"},
    {"\xE2\x81\xB7", "^{7}"},
    {"\xE2\x81\xB8", "^{8}"},
    {"\xE2\x81\xB9", "^{9}"},
    {"\xC2\xBD", "\\frac{1}{2}"},
    {"\xE2\x85\x93", "\\frac{1}{3}"},
    {"\xE2\x85\x94", "\\frac{2}{3}"},
    {"\xC2\xBC", "\\frac{1}{4}"},
    {"\xC2\xBE", "\\frac{3}{4}"},
    {"\xE2\x88\xAA", "\\cup "},
    {"\xE2\x88\x88", "\\in "},
    {"\xE2\x88\x85", "\\emptyset "},
    {"\xE2\x82\xAC", "\\euro "},
    {"\xC2\xA3", "\\pounds "},
    {"\xC2\xA5", "\\yen "},
    {"\xC2\xA0", " "},
    {"\xE2\x80\x89", " "},
    {"\xE2\x80\xAF", " "},
    {"\xE2\x80\x99", "'"},
    {"\xE2\x80\x9C", "\""},
    {"\xE2\x80\x9D", "\""},
    {"\xE2\x80\x8B", ""},
};

}  // namespace

const TexMeaning* texMeaning(std::string_view name) {
    const auto* found =
        std::find_if(std::begin(kMeanings), std::end(kMeanings), [&](const TexMeaning& m) { return m.name == name; });
    if (found != std::end(kMeanings)) return found;
    static const auto functions = [] {
        std::array<TexMeaning, std::size(kFunctions)> all{};
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = {kFunctions[i], TokenKind::Function, kFunctions[i], 0};
        return all;
    }();
    const auto* function =
        std::find_if(functions.begin(), functions.end(), [&](const TexMeaning& m) { return m.name == name; });
    return function == functions.end() ? nullptr : function;
}

bool isTextCommand(std::string_view name) {
    return std::find(std::begin(kTextCommands), std::end(kTextCommands), name) != std::end(kTextCommands);
}

bool isFunctionName(std::string_view name) {
    return std::find(std::begin(kFunctions), std::end(kFunctions), name) != std::end(kFunctions);
}

std::string_view plainSymbol(std::string_view letters) {
    if (letters == "pi" || letters == "Pi") return "pi";
    if (letters == "inf" || letters == "infinity" || letters == "oo") return "inf";
    return letters == "theta" ? letters : std::string_view();
}

bool isProse(std::string_view letters, bool after_blank) {
    if (letters.size() > 3 || (letters.size() == 3 && after_blank)) return true;
    if (std::any_of(letters.begin(), letters.end(), [](char c) { return !isLetter(c); })) return true;
    return std::find(std::begin(kShortWords), std::end(kShortWords), letters) != std::end(kShortWords);
}

std::pair<std::size_t, std::string_view> symbolAsTex(std::string_view text) {
    for (const auto& [symbol, tex] : kSymbols) {
        if (text.starts_with(symbol)) return {symbol.size(), tex};
    }
    return {0, {}};
}

}  // namespace quibble
