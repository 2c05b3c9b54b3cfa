"""Makes the tokenizers and vectors of this folder. Needs the Python package `tokenizers` and nothing else; run it in this folder.

    python3 make.py [cases] [seed] [folder]
"""
import json
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

TRAINING = """Wait, let me check that again. The answer is 42, but alternatively we could think about the other way to do it.
So the sum of the first ten numbers is 55. Hmm, that is not right: the café in Zürich opens at nine, the naïve approach fails.
Step by step: multiply both sides by two, then subtract. Therefore the result follows. Wait, wait, no. I think I should verify this.
    def add(a, b):
        return a + b

Ärger, Öl, über, ça va, señor, ångström, 한국어, 日本語, русский, ελληνικά. The end of the thought, the end of the answer.
"""

WORDS = ["the", "Wait", "wait", "the answer", "42", "café", "cafe\u0301", "A\u030angstrom", "\u212bngstrom", "u\u0308ber", "é", "e\u0301", "a", "ab", "x", "_", "don't",
         "\u1112\u1161\u11ab", "\ud55c", "日本", "русский", "ﬁ", "q\u0323\u0307", "q\u0307\u0323", "s\u0323\u0307", "\u1e69", "\u0958", "\u2126", "ⓐ", "🄰", "👩\u200d💻", "\u200d", "\u0301",
         "\u2581", "\u2581\u2581", "\u2581the", ".", ",", "-", "(", "<", "<0x41>", "\u037e", "½", "²", "٣", "Ⅷ", "\U0001d15e", "\u2f801", "\U000e0001"]
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2003", "\u200b", " \n ", "    ", "\u2001", "\x85"]

# content, special, normalized, lstrip, rstrip, single_word
ADDED = [
    ("<|begin|>", True, False, False, False, False),
    ("<|end|>", True, False, False, False, False),
    ("<|user|>", True, False, False, True, False),
    ("<|left|>", True, False, True, False, False),
    ("<|both|>", True, False, True, True, False),
    ("<|word|>", True, False, False, False, True),
    ("<|normal|>", True, True, False, False, False),
    ("<think>", False, False, False, False, False),
    ("</think>", False, False, False, True, False),
    ("<think>now", False, False, False, False, False),
    ("step", False, True, False, False, True),
    ("sie", False, False, False, False, True),
    ("re\u0301sume\u0301", False, True, True, True, False),
    ("\u212b", False, False, False, False, True),
    ("caf\u00e9s", False, True, True, False, True),
    ("        ", False, False, False, False, False),
    ("\n\n\n", False, False, True, True, False),
    ("two words", False, True, False, True, False),
]


def added():
    return [AddedToken(c, special=s, normalized=n, lstrip=l, rstrip=r, single_word=w) for c, s, n, l, r, w in ADDED]


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(TRAINING.splitlines(True) * 3, trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer, added() + [AddedToken("the", normalized=True, single_word=True), AddedToken("ab", normalized=False, single_word=True)]


# Bytes, letters, and the merges that training finds where spaces are written as U+2581.
def sentence_piece(missing=(), **options):
    trained = Tokenizer(models.BPE())
    trained.train_from_iterator([line.replace(" ", "\u2581") for line in TRAINING.splitlines()] * 3, trainers.BpeTrainer(vocab_size=260, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for byte in range(256):
        if byte not in missing:
            vocab["<0x%02X>" % byte] = len(vocab)
    for text in sorted(model["vocab"], key=model["vocab"].get):
        vocab.setdefault(text, len(vocab))
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True, **options))
    tokens = [AddedToken(text, special=True, normalized=False) for text in ("<unk>", "<s>", "</s>")]
    return tokenizer, tokens + added()


def spm_prepend():
    tokenizer, tokens = sentence_piece(fuse_unk=True)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer, tokens


def spm_first():
    tokenizer, tokens = sentence_piece(fuse_unk=True, ignore_merges=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first", split=False)
    return tokenizer, tokens


def spm_always():
    tokenizer, tokens = sentence_piece(missing=(0xF0, 0xC2, 0xCC), fuse_unk=False)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=False)
    return tokenizer, tokens


def text(choose):
    pieces = []
    for _ in range(choose.randint(1, 9)):
        kind = choose.random()
        pieces.append(choose.choice(WORDS) if kind < 0.4 else choose.choice(SPACES) if kind < 0.65 else choose.choice(ADDED)[0])
    return "".join(pieces)


def main():
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    choose = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    folder = sys.argv[3] if len(sys.argv) > 3 else "."
    for make in (byte_level, spm_prepend, spm_first, spm_always):
        tokenizer, tokens = make()
        tokenizer.add_special_tokens([token for token in tokens if token.special])
        tokenizer.add_tokens([token for token in tokens if not token.special])
        tokenizer.save(f"{folder}/{make.__name__}.tokenizer.json", pretty=False)
        tokenizer = Tokenizer.from_file(f"{folder}/{make.__name__}.tokenizer.json")
        rows = []
        for one in ["", " ", "hello", " the answer", "the answer <|end|> the"] + [text(choose) for _ in range(cases)]:
            row = {"text": one, "ids": tokenizer.encode(one).ids}
            tokenizer.encode_special_tokens = True
            row["ids_plain"] = tokenizer.encode(one, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            rows.append(row)
        with open(f"{folder}/{make.__name__}.vectors.json", "w", encoding="utf-8") as out:
            out.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=True) for row in rows) + "\n]\n")


main()
