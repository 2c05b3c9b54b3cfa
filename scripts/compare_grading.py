#!/usr/bin/env python3
"""Compares the grading of Quibble with the package math-verify on generated pairs of answers.

    python3 -m venv v && v/bin/pip install math-verify==0.9.0
    v/bin/python scripts/compare_grading.py --cli build/release/quibble-cli [--pairs 2000] [--seed 1] [--list]

Every pair has a kind, and a truth that is known from how it was made: the given answer is the known one in another
dress, or a value that is near it and wrong. math-verify sees the pair as LaTeX between dollar signs, Quibble as it is.
The report counts, for each kind, how the two judged. --list prints each pair on which they disagree or on which
Quibble contradicts the truth.
"""

import argparse
import collections
import json
import logging
import random
import subprocess
from fractions import Fraction
from math import gcd


def tex(f):
    sign = "-" if f < 0 else ""
    f = abs(f)
    return sign + (str(f.numerator) if f.denominator == 1 else rf"\frac{{{f.numerator}}}{{{f.denominator}}}")


def ratio(r):
    bottom = r.randint(2, 12)
    top = r.choice([n for n in range(1, 60) if gcd(n, bottom) == 1])
    return Fraction(r.choice([-1, 1]) * top, bottom)


def linear(r, name="x"):
    a, b = r.randint(2, 9), r.randint(1, 9)
    return a, b, f"{a}{name}+{b}"


# Each kind returns (known, the same in another dress, a wrong one).


def integers(r):
    n = r.randint(1000, 9_999_999)
    same = r.choice(
        [f"{n:,}", f"{n:,}".replace(",", "{,}"), f"{n:,}".replace(",", r",\!"), f"{n}.0", f"{n}.", rf"\text{{{n}}}"]
    )
    return str(n), same, str(n + r.choice([-1, 1, 10, 1000]))


def negatives(r):
    n = r.randint(1, 999)
    return f"-{n}", r.choice([f"-{n}.0", f"- {n}", rf"\left(-{n}\right)", f"−{n}"]), str(n)


def decimals(r):
    n = r.randint(1, 999)
    known = f"0.{n:03d}"
    return (
        known,
        r.choice([f".{n:03d}", tex(Fraction(n, 1000)), known + "0"]),
        f"{n}" if r.random() < 0.5 else f"0.{(n + 1) % 1000:03d}",
    )


def fractions(r):
    f = ratio(r)
    k = r.randint(2, 5)
    sign = "-" if f < 0 else ""
    same = r.choice(
        [
            rf"{sign}\dfrac{{{abs(f.numerator)}}}{{{f.denominator}}}",
            f"{f.numerator}/{f.denominator}",
            rf"\frac{{{f.numerator}}}{{{f.denominator}}}",
            rf"{sign}\frac{{{abs(f.numerator) * k}}}{{{f.denominator * k}}}",
        ]
    )
    return (
        tex(f),
        same,
        r.choice([tex(1 / f), tex(-f), tex(f + Fraction(1, f.denominator))]) if abs(f) != 1 else tex(-f),
    )


def mixed(r):
    f = abs(ratio(r)) % 1
    w = r.randint(1, 9)
    return tex(w + f), rf"{w}\frac{{{f.numerator}}}{{{f.denominator}}}", tex(w * f)


def percents(r):
    n = r.randint(1, 99)
    return rf"{n}\%", r.choice([str(n), f"{n}%", tex(Fraction(n, 100)), f"0.{n:02d}"]), rf"{n + 1}\%"


def units(r):
    n = r.randint(2, 500)
    unit = r.choice(
        [r"\text{ cm}", r"\text{ dollars}", r"\text{ apples}", r"^\circ", r"\text{ cm}^2", r"\,\mathrm{km}"]
    )
    return str(n), f"{n}{unit}", f"{n + 1}{unit}"


def money(r):
    n = r.randint(100, 9999)
    return f"{n}", r.choice([rf"\${n}", rf"\${n}.00", rf"\${n:,}"]), rf"\${n + 1}"


def powers_of_ten(r):
    a, k = r.randint(11, 99), r.randint(3, 9)
    same = rf"{a / 10}\times 10^{{{k}}}"
    return str(a * 10 ** (k - 1)), same, rf"{a / 10}\times 10^{{{k + 1}}}"


def roots(r):
    k, n = r.randint(2, 6), r.choice([2, 3, 5, 6, 7, 10])
    same = r.choice([rf"\sqrt{{{k * k * n}}}", rf"\sqrt{{{n}}}\cdot {k}", rf"\frac{{{k * n}}}{{\sqrt{{{n}}}}}"])
    return (
        rf"{k}\sqrt{{{n}}}",
        same,
        (
            r.choice([rf"{n}\sqrt{{{k}}}", rf"\sqrt{{{k * n}}}", rf"{k}\sqrt{{{n + 1}}}"])
            if k != n
            else rf"\sqrt{{{k * n}}}"
        ),
    )


def pi_values(r):
    f = abs(ratio(r))
    same = r.choice([rf"\frac{{{f.numerator}\pi}}{{{f.denominator}}}", rf"{tex(f)}\cdot\pi", rf"\pi \cdot {tex(f)}"])
    return rf"{tex(f)}\pi", same, r.choice([tex(f), rf"\frac{{{f.numerator + 1}\pi}}{{{f.denominator}}}"])


def huge_powers(r):
    b, k = r.choice([2, 3, 5]), r.randint(20, 60)
    return f"{b}^{{{2 * k}}}", f"{b * b}^{{{k}}}", f"{b}^{{{2 * k}}}+1"


def polynomials(r):
    a, b, c, d = (r.randint(1, 7) for _ in range(4))
    known = f"{a * c}x^2+{a * d + b * c}x+{b * d}"
    return known, f"({a}x+{b})({c}x+{d})", f"{a * c}x^2+{a * d + b * c + 1}x+{b * d}"


def rational_functions(r):
    a, b, text = linear(r)
    return rf"\frac{{{text}}}{{x-1}}", rf"\frac{{{2 * a}x+{2 * b}}}{{2x-2}}", rf"\frac{{{text}}}{{x+1}}"


def tuples(r):
    f, n = ratio(r), r.randint(-9, 9)
    return f"({n},{tex(f)})", rf"\left({n}, {f.numerator}/{f.denominator}\right)", f"({tex(f)},{n})"


def intervals(r):
    a = r.randint(-9, 5)
    b = a + r.randint(1, 9)
    left, right = r.choice("(["), r.choice(")]")
    other = "[" if left == "(" else "("
    return f"{left}{a},{b}{right}", rf"\left{left} {a}, {b} \right{right}", f"{other}{a},{b}{right}"


def unions(r):
    a = r.randint(-9, 0)
    b = a + r.randint(1, 9)
    return (
        rf"(-\infty,{a})\cup({b},\infty)",
        rf"\left({b},\infty\right)\cup\left(-\infty,{a}\right)",
        rf"(-\infty,{a}]\cup({b},\infty)",
    )


def sets(r):
    items = r.sample(range(-20, 20), r.randint(2, 5))
    mixed_up = items[::-1]
    show = lambda s: r"\{" + ", ".join(map(str, s)) + r"\}"
    return show(items), show(mixed_up), show(items[:-1] + [21])


def lists(r):
    items = r.sample(range(-20, 20), r.randint(2, 4))
    return (
        ", ".join(map(str, items)),
        r.choice([",".join(map(str, items[::-1])), ", ".join(map(str, items[::-1]))]),
        ", ".join(map(str, items[:-1] + [21])),
    )


def plus_minus(r):
    a, n = r.randint(1, 9), r.choice([2, 3, 5])
    return rf"{a} \pm \sqrt{{{n}}}", rf"{a}+\sqrt{{{n}}}, {a}-\sqrt{{{n}}}", rf"{a}+\sqrt{{{n}}}"


def matrices(r):
    m = [[r.randint(-9, 9) for _ in range(2)] for _ in range(2)]
    show = (
        lambda rows, kind: rf"\begin{{{kind}}}"
        + r" \\ ".join(" & ".join(map(str, row)) for row in rows)
        + rf"\end{{{kind}}}"
    )
    other = [row[:] for row in m]
    other[1][1] += 1
    return show(m, "pmatrix"), show(m, "bmatrix"), show(other, "pmatrix")


def definitions(r):
    n = ratio(r)
    return tex(n), r.choice([f"x={tex(n)}", f"x = {tex(n)}"]), f"x={tex(n + 1)}"


def lines(r):
    a, b = r.randint(2, 9), r.randint(1, 9)
    return f"y={a}x+{b}", r.choice([f"{a}x-y+{b}=0", f"y-{b}={a}x", f"y={b}+{a}x"]), f"y={a}x-{b}"


def inequalities(r):
    a = r.randint(-9, 9)
    return rf"x \ge {a}", r.choice([rf"x\geq {a}", rf"{a} \le x", rf"[{a},\infty)"]), rf"x > {a}"


def letters(r):
    letter = r.choice("ABCDE")
    same = r.choice(
        [f"({letter})", rf"\text{{{letter}}}", rf"\textbf{{({letter})}}", rf"\mathrm{{{letter}}}", f"{letter}."]
    )
    return letter, same, rf"\text{{{'ABCDE'[('ABCDE'.index(letter) + 1) % 5]}}}"


def words(r):
    known = r.choice(["even", "odd", "east", "ellipse", "Tuesday", "Evelyn"])
    return (
        rf"\text{{{known}}}",
        r.choice([known.capitalize(), rf"\text{{{known.lower()}}}", known]),
        rf"\text{{{'circle' if known != 'circle' else 'line'}}}",
    )


def rounded(r):
    n = r.choice([2, 3, 5, 6, 7])
    value = n**0.5
    return rf"\sqrt{{{n}}}", f"{value:.{r.choice([4, 6, 8])}f}", f"{value + 0.01:.4f}"


def rounded_fractions(r):
    n = r.choice([7, 9, 11, 13])
    return rf"\frac{{1}}{{{n}}}", f"{1 / n:.{r.choice([5, 6, 8, 12])}f}", f"{1 / n:.1f}9"


def rounded_shortly(r):
    n = r.choice([7, 9, 11, 13])
    return rf"\frac{{1}}{{{n}}}", f"{1 / n:.{r.choice([2, 3])}f}", f"{1 / n:.1f}9"


def complex_numbers(r):
    a, b = r.randint(1, 9), r.randint(2, 9)
    return f"{a}+{b}i", f"{b}i+{a}", f"{a}-{b}i"


def bases(r):
    n = r.randint(5, 60)
    return f"{n:b}_2", r.choice([f"{n:b}_{{2}}", f"{n:b}"]), f"{n + 1:b}_2"


def logarithms(r):
    k = r.randint(2, 6)
    return rf"{k}\ln 2", rf"\ln {2 ** k}", rf"\ln {2 ** k + 1}"


def trigonometry(r):
    known, same, wrong = r.choice(
        [
            (r"\frac{1}{2}", r"\sin\frac{\pi}{6}", r"\cos\frac{\pi}{6}"),
            (r"\frac{\sqrt{3}}{2}", r"\cos\frac{\pi}{6}", r"\sin\frac{\pi}{6}"),
            ("1", r"\tan\frac{\pi}{4}", r"\tan\frac{\pi}{3}"),
        ]
    )
    return known, same, wrong


def spaced_thousands(r):
    n = r.randint(10_000, 999_999)
    separator = r.choice([r"\,", " ", "{,}", r"\ ", ",\\!"])
    return str(n), f"{n:,}".replace(",", separator), f"{n // 1000}"


def choice_dresses(r):
    letter = r.choice("ABCDE")
    other = "ABCDE"[("ABCDE".index(letter) + 1) % 5]
    dress = r.choice(
        ["{}.", "{})", "[{}]", r"\text{{({})}}", "option {}", r"\textbf{{{}}}", "**{}**", "{}: 18", r"({})\ 18"]
    )
    return letter, dress.format(letter), dress.format(other)


def repeating(r):
    n = r.choice([1, 2, 4, 5, 7, 8])
    return tex(Fraction(n, 9)), rf"0.\overline{{{n}}}", rf"0.{n}"


def e_notation(r):
    a, k = r.randint(11, 99), r.randint(3, 8)
    return str(a * 10 ** (k - 1)), f"{a / 10}e{k}", f"{a / 10}e{k + 1}"


def exponent_laws(r):
    a, b = r.randint(2, 9), r.randint(2, 9)
    return f"x^{{{a + b}}}", rf"x^{{{a}}}\cdot x^{{{b}}}", f"x^{{{a * b if a * b != a + b else a + b + 1}}}"


def counting(r):
    n = r.randint(5, 9)
    known, same = r.choice(
        [(n * (n - 1) // 2, rf"\binom{{{n}}}{{2}}"), (n * (n - 1), rf"\frac{{{n}!}}{{{n - 2}!}}"), (120, "5!")]
    )
    return str(known), same, str(known + 1)


def solution_lists(r):
    a, b = r.sample(range(-9, 10), 2)
    return f"{a}, {b}", r.choice([f"x={a}, x={b}", rf"x={b} \text{{ or }} x={a}", rf"\{{{b}, {a}\}}"]), f"x={a}"


def two_sided(r):
    a = r.randint(-9, 5)
    b = a + r.randint(1, 9)
    return rf"{a} \le x < {b}", r.choice([rf"[{a},{b})", rf"{b} > x \ge {a}"]), rf"{a} < x < {b}"


def apart(r):
    a = r.randint(-9, 5)
    b = a + r.randint(1, 9)
    return rf"(-\infty,{a})\cup({b},\infty)", rf"x<{a} \text{{ or }} x>{b}", rf"x<{a} \text{{ or }} x\ge {b}"


def angles(r):
    n = r.choice([30, 45, 60, 90, 120])
    return rf"{n}^\circ", r.choice([str(n), rf"{tex(Fraction(n, 180))}\pi"]), rf"{n + 15}^\circ"


def clashing_units(r):
    n = r.randint(2, 99)
    return rf"{n}\text{{ cm}}", rf"{n}\,\mathrm{{cm}}", rf"{n}\text{{ m}}"


def point_lists(r):
    a, b, c, d = (r.randint(-9, 9) for _ in range(4))
    return f"({a},{b}),({c},{d})", f"({c},{d}), ({a},{b})", f"({a},{b}),({d},{c + 10})"


def tall_roots(r):
    a = r.randint(2, 9)
    b = r.choice([n for n in (2, 3, 5, 7) if n != a])
    known = rf"\sqrt{{{a + b}+2\sqrt{{{a * b}}}}}"
    return known, rf"\sqrt{{{a}}}+\sqrt{{{b}}}", rf"\sqrt{{{a}}}+\sqrt{{{b + 1}}}"


def sentences(r):
    n = r.randint(2, 99)
    return str(n), rf"\text{{{r.choice(['about', 'She has', 'It is'])}}} {n}", rf"\text{{not}} {n}"


KINDS = [
    integers,
    negatives,
    decimals,
    fractions,
    mixed,
    percents,
    units,
    money,
    powers_of_ten,
    roots,
    pi_values,
    huge_powers,
    polynomials,
    rational_functions,
    tuples,
    intervals,
    unions,
    sets,
    lists,
    plus_minus,
    matrices,
    definitions,
    lines,
    inequalities,
    letters,
    words,
    rounded,
    rounded_fractions,
    rounded_shortly,
    complex_numbers,
    bases,
    logarithms,
    trigonometry,
    spaced_thousands,
    choice_dresses,
    repeating,
    e_notation,
    exponent_laws,
    counting,
    solution_lists,
    two_sided,
    apart,
    angles,
    clashing_units,
    point_lists,
    tall_roots,
    sentences,
]


def pairs(count, seed):
    r = random.Random(seed)
    for i in range(count):
        kind = KINDS[i % len(KINDS)]
        known, same, wrong = kind(r)
        is_right = r.random() < 0.5
        yield {
            "kind": kind.__name__,
            "known": known,
            "given": same if is_right else wrong,
            "truth": "right" if is_right else "wrong",
        }


def ask_quibble(cli, rows):
    lines_in = "".join(json.dumps({"given": row["given"], "known": row["known"]}) + "\n" for row in rows)
    done = subprocess.run([cli, "grade"], input=lines_in, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask_math_verify(row):
    from math_verify import parse, verify

    known, given = (parse(f"${row[key]}$", parsing_timeout=5) for key in ("known", "given"))
    return "right" if verify(known, given, timeout_seconds=5) else "wrong"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cli", required=True)
    arguments.add_argument("--pairs", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--list", action="store_true")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)

    rows = list(pairs(options.pairs, options.seed))
    totals = collections.Counter()
    table = collections.defaultdict(collections.Counter)
    for row, answer in zip(rows, ask_quibble(options.cli, rows)):
        other = ask_math_verify(row)
        ours = answer["verdict"]
        group = "agree" if ours == other else f"ours {ours}, theirs {other}"
        table[row["kind"]][group] += 1
        totals[group] += 1
        contradicts = ours not in (row["truth"], "not gradable")
        totals["ours against the truth"] += contradicts
        totals["ours not gradable"] += ours == "not gradable"
        totals["theirs against the truth"] += other != row["truth"]
        if options.list and (ours != other or contradicts):
            print(
                f"{row['kind']}: given {row['given']}  known {row['known']}  truth {row['truth']}  ours {ours} ({answer['reason']})  theirs {other}"
            )
    for kind in sorted(table):
        print(f"{kind:20}", dict(table[kind]))
    print("all", dict(totals))


if __name__ == "__main__":
    main()
