#!/usr/bin/env python3
"""Chat-template cases and what Jinja 2 (Python) makes of them.

  reference.py --write   renders every case and writes expected.json
  reference.py --check   renders again and compares; exit status 1 on a difference, 77 where jinja2 is missing

The environment is the one chat templates are written for: sandboxed, trim_blocks, lstrip_blocks, loop controls, a
tojson that does not escape HTML, raise_exception and strftime_now. All templates are our own.
"""
import json
import pathlib
import sys
from datetime import datetime, timedelta, timezone

try:
    import jinja2
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("python3-jinja2 is not installed")
    sys.exit(77)

HERE = pathlib.Path(__file__).parent
NOW = 1790000000  # 2026-09-21 13:33:20 UTC
# Seconds since 1970 and what the clock on the wall is ahead of UTC: ends of years, weeks that belong to the other year, leap days, zones of odd widths.
CLOCKS = [(0, 0), (NOW, 0), (1741010709, 3600), (1735603199, 0), (1735689599, 1), (1609459200, -3600), (1230768000, 49500), (951782400, -12600), (-1, 0), (-2208988800, 7200), (1483228800, 0), (253000000000, 0)]
FORMATS = ["%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%A %a %B %b %h", "%H:%M:%S %I %p %P", "%c|%x|%X|%D|%F|%T|%R|%r", "%j %U %W %V %G %g %u %w", "%C %y %e %k %l|%n%t%%", "%-d %-m %_d %_H %0e %-I %-j %^a %^B %#p %#b %^p", "[%z%Z] %f",
           "%Ey %Od", "%Q %", "%-", "%^c", "no directive", ""]

TURNS = [{"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "<think>\nEasy.\n</think>\n\n4"}, {"role": "user", "content": "And 3+3?"}]
SYSTEM = [{"role": "system", "content": "Be brief."}] + TURNS
TOOLS = [
    {"type": "function", "function": {"name": "add", "description": "Adds <two> numbers & more", "parameters": {
        "type": "object", "required": ["a"], "properties": {
            "a": {"type": "number", "description": "first"}, "b": {"type": ["number", "null"], "default": 1.5},
            "how": {"type": "string", "enum": ["fast", "exact"], "default": "fast"},
            "list": {"type": "array", "items": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "boolean"}}}}},
            "free": {"oneOf": [{"type": "string"}, {"type": "integer", "default": 3}]}}}}},
    {"type": "function", "function": {"name": "now", "description": "Tells the time", "parameters": {"type": "object", "properties": {}}}},
]
CALLS = TURNS[:1] + [{"role": "assistant", "content": "", "calls": [{"name": "add", "arguments": {"a": 2, "b": None, "t": "é\"\n</x>"}}, {"name": "now", "arguments": "{}"}]},
                     {"role": "tool", "content": "4"}, {"role": "tool", "content": "noon"}, {"role": "assistant", "content": "<think>ok</think>Four."}]

def call(name, arguments, content="", **more):
    return {"role": "assistant", "content": content, "tool_calls": [{"id": "call12345", "type": "function", "function": {"name": name, "arguments": arguments}}], **more}


ANSWER = {"role": "tool", "tool_call_id": "call12345", "content": "4"}
CALLED = TURNS[:1] + [call("add", {"a": 2, "b": None, "t": "é\"\n</x>"}), ANSWER]
TWO = TURNS[:1] + [{**call("add", {"a": 2}), "tool_calls": call("add", {"a": 2})["tool_calls"] + call("now", {})["tool_calls"]}, ANSWER, ANSWER]
TEXTS = TURNS[:1] + [{**call("add", '{"a": 2}', None), "tool_calls": call("add", '{"a": 2}')["tool_calls"] * 2}, ANSWER, ANSWER]
SETTLED = CALLED + [{"role": "assistant", "content": "<think>ok</think>\n\nFour."}, {"role": "user", "content": " Sure? "}]

FILES = [
    ("r1_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("r1_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("r1_style", {"messages": SYSTEM + [{"role": "tool", "content": "x"}, {"role": "tool", "content": "y"}]}),
    ("qwen3_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("qwen3_style", {"messages": SYSTEM, "add_generation_prompt": True, "enable_thinking": False}),
    ("qwen3_style", {"messages": SYSTEM, "tools": TOOLS, "add_generation_prompt": True, "enable_thinking": True}),
    ("qwen3_style", {"messages": CALLS, "tools": TOOLS}),
    ("qwen3_style", {"messages": TURNS[:2] + [{"role": "user", "content": "<answer>tool</answer>"}, {"role": "assistant", "content": "x", "reasoning_content": "\nhm\n"}]}),
    ("channel_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("channel_style", {"messages": SYSTEM, "tools": TOOLS, "reasoning_effort": "high", "add_generation_prompt": True}),
    ("channel_style", {"messages": TURNS[:1] + [{"role": "assistant", "content": "4", "thinking": "2 and 2"}], "model_identity": "You add."}),
    ("channel_style", {"messages": [{"role": "robot", "content": "?"}]}),
    ("channel_style", {"messages": [{"role": "assistant", "content": "<|channel|>final"}]}),
    ("qwq_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("qwq_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("llama3_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("llama3_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("mixtral_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("mixtral_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("olmoe_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("olmoe_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("distill_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("distill_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("channel_calls_style", {"messages": TURNS, "add_generation_prompt": True}),
    ("channel_calls_style", {"messages": SYSTEM, "add_generation_prompt": False}),
    ("qwq_style", {"messages": CALLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("qwq_style", {"messages": SETTLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("llama3_style", {"messages": CALLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("llama3_style", {"messages": SETTLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("mixtral_style", {"messages": CALLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("mixtral_style", {"messages": SETTLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("channel_calls_style", {"messages": CALLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("channel_calls_style", {"messages": SETTLED, "tools": TOOLS, "add_generation_prompt": True}),
    ("qwq_style", {"messages": TWO, "tools": TOOLS}),
    ("llama3_style", {"messages": TWO, "tools": TOOLS}),
    ("llama3_style", {"messages": CALLED, "given_tools": TOOLS, "tools_with_question": False, "today": "1 Jan 2026"}),
    ("llama3_style", {"messages": SYSTEM[:1] + CALLED, "ready_tools": ["add", "code_interpreter"], "add_generation_prompt": True}),
    ("llama3_style", {"messages": SYSTEM[:1], "tools": TOOLS}),
    ("mixtral_style", {"messages": TWO, "tools": TOOLS}),
    ("mixtral_style", {"messages": TURNS[:1] + TURNS[:1]}),
    ("mixtral_style", {"messages": [{"role": "robot", "content": "?"}]}),
    ("mixtral_style", {"messages": TURNS[:1] + [{"role": "assistant", "tool_calls": [{"id": "short", "function": {"name": "now"}}]}]}),
    ("distill_style", {"messages": TEXTS, "add_generation_prompt": True}),
    ("distill_style", {"messages": TEXTS + SETTLED[-2:], "add_generation_prompt": True}),
    ("distill_style", {"messages": SETTLED, "add_generation_prompt": True}),
    ("channel_calls_style", {"messages": TURNS[:1] + [call("now", {}, thinking="Which time?"), ANSWER], "add_generation_prompt": True}),
    ("channel_calls_style", {"messages": TURNS[:1] + [call("now", {}, "Let me see.")]}),
    ("channel_calls_style", {"messages": TURNS[:1] + [call("now", {}, "Both.", thinking="Both")]}),
    ("channel_calls_style", {"messages": TURNS[:1] + [ANSWER]}),
]

V = {"x": 7, "f": 2.5, "s": "Hello World", "e": "", "l": [3, 1, 2], "d": {"b": 1, "a": [1, "two", None, True]}, "n": None, "u8": "naïve ünïcode 日本",
     "ms": [{"role": "user", "n": 2}, {"role": "Tool", "n": 1}, {"role": "user", "n": 3}], "t": True}
SNIPPETS = [
    # filters over what is not there
    "{{ none | selectattr('a', 'equalto', 1) | list }} {{ none | map('upper') | list }} {{ missing | reject('odd') | list }} {{ 0 | select | list }} {{ '' | rejectattr('x') | list }}", "{{ 5 | select | list }}",
    # output and Python's ways of printing
    "{{ x }} {{ f }} {{ s }} {{ n }} {{ t }} {{ l }} {{ d }} {{ missing }}|", "{{ 'it\\'s' }}{{ [\"it's\", 'say \"x\"', 'both \\'\"', 'a\\nb\\tc\\\\'] }}",
    "{{ 1.0 }} {{ 1e20 }} {{ 1e16 }} {{ 123456789012345.0 }} {{ 1e-5 }} {{ 0.0001 }} {{ 1/3 }} {{ -0.5 }} {{ 100000.0 }}", "{{ (1,) }} {{ (1, 'a') }} {{ () }} {{ {'k': (1, 2)} }}",
    "{{ d.items() | list }} {{ d.keys() | list }} {{ d.values() | list }}",
    # arithmetic and precedence
    "{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ -x }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}",
    "{{ 'a' ~ 1 ~ none ~ 2.0 }} {{ 'a' * 3 }} {{ [1] * 2 + [3] }} {{ 1 ~ 2 * 3 }} {{ true + 1 }}", "{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ not x == 7 }} {{ not not x }}",
    "{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ (1,) == [1] }} {{ none == false }}",
    "{{ x and s }} {{ e or 'other' }} {{ n and 1 }} {{ 0 or n }} {{ 1 or 1/0 }}", "{{ 'yes' if x > 3 else 'no' }} {{ 'a' if false }}| {{ 'a' if false else 'b' if false else 'c' }}",
    "{{ 'ell' in s }} {{ 'z' not in s }} {{ 3 in l }} {{ 'a' in d }} {{ 1 in d }} {{ 'x' in missing }} {{ not 'a' in d }}", "{{ 10 // 0 }}", "{{ 1 + 'a' }}", "{{ missing + 1 }}", "{{ missing.attr }}", "{{ n.attr is defined }} {{ n.attr }}|",
    # attributes, items, slices
    "{{ d.a[1] }} {{ d['b'] }} {{ d['zz'] }}| {{ d.zz is defined }} {{ l[0] }} {{ l[-1] }} {{ l[9] }}| {{ s[1] }} {{ s[-1] }} {{ u8[2] }} {{ l.0 }}",
    "{{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[::2] }} {{ s[2:5] }} {{ s[::-1] }} {{ u8[-2:] }} {{ l[5:] }} {{ l[-9:2] }} {{ s[5:1:-2] }} {{ l[2:0:-1] }}", "{{ l[::0] }}", "{{ {'items': 5}.items is callable }} {{ {'items': 5}['items'] }}",
    # tests
    "{{ x is defined }} {{ y is defined }} {{ y is undefined }} {{ n is none }} {{ n is not none }} {{ s is string }} {{ l is sequence }} {{ d is mapping }} {{ l is iterable }} {{ x is number }} {{ f is float }} {{ x is integer }} {{ t is boolean }} {{ t is true }} {{ x is odd }} {{ x is even }} {{ x is divisibleby 7 }} {{ x is divisibleby(2) }}",
    "{{ x is eq 7 }} {{ x is gt(3) }} {{ x is in [7] }} {{ s is lower }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ t is sameas true }} {{ 1 is sameas true }} {{ s is mapping }} {{ n is iterable }} {{ range is callable }} {{ t is number }} {{ t is integer }}",
    "{{ not x is defined }} {{ x is defined and y is not defined }} {{ 'd' if y is defined else 'u' }} {{ -1 is number }}", "{{ x is nosuchtest }}",
    # filters
    "{{ s | upper }} {{ s | lower }} {{ 'hello wORLD' | title }} {{ 'hELLO' | capitalize }} {{ '  a b ' | trim }}| {{ 'xxaxx' | trim('x') }} {{ s | length }} {{ u8 | length }} {{ l | count }} {{ d | length }}",
    "{{ l | join }} {{ l | join(', ') }} {{ ms | join('-', attribute='n') }} {{ 'abc' | join('.') }} {{ [1, none, true] | join(' ') }}", "{{ missing | default('x') }} {{ e | default('x') }}| {{ e | default('x', true) }} {{ n | d('y') }} {{ missing | default }}|",
    "{{ l | first }} {{ l | last }} {{ [] | first }}| {{ l | reverse | list }} {{ 'abc' | reverse }} {{ 'abc' | list }} {{ d | list }} {{ l | sort }} {{ l | sort(reverse=true) }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }}",
    "{{ ms | sort(attribute='n') | map(attribute='n') | list }} {{ l | sum }} {{ ms | sum(attribute='n') }} {{ l | min }} {{ l | max }} {{ [1, 2, 1] | unique | list }} {{ 'aAb' | unique | join }}",
    "{{ ms | selectattr('role', 'equalto', 'user') | list | length }} {{ ms | rejectattr('n', 'gt', 1) | map(attribute='role') | join }} {{ ms | selectattr('missing') | list }} {{ [1, 0, 2] | select | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ ['a', 'b'] | map('upper') | list }} {{ ms | map(attribute='zz', default='-') | join }}",
    "{{ '3' | int }} {{ '3.7' | int }} {{ 'x' | int }} {{ 'x' | int(9) }} {{ 3.9 | int }} {{ ' 12 ' | int }} {{ '2.5' | float }} {{ 'x' | float }} {{ 5 | float }} {{ -3 | abs }} {{ 2.567 | round(1) }} {{ 2.5 | round }} {{ 2.1 | round(0, 'ceil') }} {{ 5 | string + '!' }}",
    "{{ 'a.b.c' | replace('.', '/') }} {{ 'aaa' | replace('a', 'b', 2) }} {{ 'a\nb\n\nc' | indent }}| {{ 'a\nb' | indent(2, true) }} {{ d | dictsort | list }} {{ {'x': 1} | items | list }}", "{{ s | nosuchfilter }}", "{{ 5 | length }}",
    "{{ d | tojson }} {{ s | tojson }} {{ 'é<&>\"\\'\\n\\x01\\u2028' | tojson }} {{ 1.0 | tojson }} {{ none | tojson }} {{ [] | tojson }} {{ {} | tojson }} {{ (1, 2) | tojson }} {{ 1e100 | tojson }}", "{{ d | tojson(indent=2) }}", "{{ {'b': 1, 'a': {'c': []}} | tojson(indent=4, sort_keys=true) }}", "{{ d | tojson(separators=(',', ':')) }} {{ 'é😀' | tojson(ensure_ascii=true) }}", "{{ missing | tojson }}",
    # methods
    "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a b c '.split(none, 1) }} {{ ''.split(',') }} {{ ''.split() }} {{ 'a\nb\r\nc'.splitlines() }}",
    "{{ '  x '.strip() }}|{{ '  x '.lstrip() }}|{{ '  x '.rstrip() }}|{{ 'xyaxy'.strip('yx') }} {{ 'ab'.startswith('a') }} {{ 'ab'.endswith(('x', 'b')) }} {{ 'abcabc'.find('c') }} {{ 'abcabc'.rfind('c') }} {{ 'abc'.find('z') }} {{ 'abab'.count('ab') }} {{ u8.find('日') }}",
    "{{ 'aBc'.upper() }} {{ 'aBc'.lower() }} {{ 'a b'.title() }} {{ 'a-b'.replace('-', '+') }} {{ ', '.join(['a', 'b']) }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '12'.isdigit() }} {{ d.get('b') }} {{ d.get('z') }} {{ d.get('z', 'dflt') }} {{ l.index(1) }} {{ l.count(1) }}", "{{ s.nosuchmethod() }}", "{{ ', '.join([1]) }}", "{{ '\u2003x\u00a0'.strip() }}|",
    # loops
    "{% for i in l %}{{ loop.index }}/{{ loop.length }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %} {% for i in missing %}x{% else %}empty{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for c in 'añ' %}[{{ c }}]{% endfor %}",
    # macros see what stands around them
    "{% macro f(n) %}{% macro g(m=n) %}[{{ m }}{{ n }}]{% endmacro %}{{ g() }}{{ g('z') }}{% endmacro %}{{ f('q') }}", "{% for i in l %}{% macro k() %}{{ loop.index }}{{ i }} {% endmacro %}{{ k() }}{% endfor %}",
    "{% macro f(n) %}{% macro g(m) %}{{ m }}{% if m > 0 %}{{ g(m - 1) }}{% endif %}{{ n }}{% endmacro %}{{ g(n) }}{% endmacro %}{{ f(3) }}", "{% macro f() %}{{ i }}{% endmacro %}{% for i in l %}{{ f() }}{% endfor %}|",
    "{% macro f(n) %}{% macro g() %}{% macro h() %}{{ n }}{% endmacro %}{{ h() }}{% endmacro %}{{ g() }}{% endmacro %}{{ f(9) }}{% macro p(x) %}{% macro q(x) %}{{ x }}{% endmacro %}{{ q(2) }}{{ x }}{% endmacro %}{{ p(1) }}",
    # letters beyond ASCII change their case too
    "{{ u8 | upper }} {{ u8.title() }} {{ u8 | capitalize }} {{ 'ÀÉ Ж' | lower }} {{ 'straße'.upper() }} {{ 'ǆ'.title() }} {{ 'éÀ' is lower }} {{ 'ÀÉ' is upper }} {{ '日本a語b'.title() }}",
    "{{ \"they're o'neil a1b c-d (e) [f] <g\" | title }}|{{ \"they're o'neil a1b\".title() }} {{ 'ñandú élan' | title }}", "{% for i in l %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}",
    "{% for i in range(5) if i is odd %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ i }} {% endfor %}", "{% for i in range(2, 10, 3) %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}{{ range(3, 0, -1) | list }}", "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{{ a }}{{ b }} {% endfor %}{{ loop.index }}{% endfor %}", "{% for i in [1, 2] %}{{ loop.cycle('odd', 'even') }} {% endfor %}", "{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }} {% endfor %}", "{% for a, b in [[1, 2, 3]] %}{{ a }}{% endfor %}", "{% for i in 5 %}{% endfor %}",
    # set, scopes, namespaces
    "{% set a = 1 %}{% for i in l %}{% set a = i %}{{ a }}{% endfor %}{{ a }}", "{% if true %}{% set b = 2 %}{% endif %}{{ b }}", "{% set ns = namespace(c=0) %}{% for i in l %}{% set ns.c = ns.c + i %}{% endfor %}{{ ns.c }} {{ ns.zz is defined }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set b, a = a, b %}{{ a }}{{ b }}", "{% set q %}in {{ x }}{% endset %}[{{ q }}] {% set w | upper %}abc{% endset %}{{ w }}", "{% set y.z = 1 %}", "{% set ns = namespace({'k': 1}, j=2) %}{{ ns.k }}{{ ns.j }} {{ dict(a=1, b='x') }}",
    "{% filter upper %}loud {{ s }}{% endfilter %}",
    # macros
    "{% macro m(a, b=2, c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m() }}{{ m(b=5, a=6) }}", "{% macro r(n) %}{{ n }}{% if n > 0 %} {{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(5) }}", "{% set g = 'global' %}{% macro m() %}{{ g }}{{ x }}{% set inner = 1 %}{% endmacro %}{{ m() }}{{ inner is defined }}{% set g = 'changed' %}{{ m() }}", "{% macro m(a, b=a ~ '!') %}{{ b }}{% endmacro %}{{ m('q') }} {{ m('q') | upper }} {{ m('q') ~ 1 }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(zz=2) }}", "{% macro m() %}text{% endmacro %}{{ m() is string }} {{ m is callable }} {{ m() | length }}",
    # arguments of methods: all are used, or refused
    "{{ 'hello world'.find('o', 5) }} {{ 'hello world'.find('o', 5, 7) }} {{ 'hello'.find('l', -2) }} {{ 'hello'.find('', 5) }} {{ 'hello'.find('', 6) }} {{ 'hello'.rfind('l', 0, 3) }} {{ 'hello'.rfind('') }} {{ 'éàé'.find('é', 1) }} {{ 'hello'.find('h', none, none) }}",
    "{{ 'hello'.index('l', 3) }} {{ 'hello'.rindex('l') }} {{ 'hello'.rindex('l', 0, 3) }}", "{{ 'hello'.index('h', 1) }}", "{{ 'hello'.rindex('z') }}",
    "{{ 'banana'.count('a', 2) }} {{ 'banana'.count('a', 2, 4) }} {{ 'banana'.count('', 3) }} {{ 'banana'.count('a', 9) }} {{ 'banana'.count('', 9) }} {{ 'banana'.count('', 4, 2) }} {{ 'ñañ'.count('ñ', 1) }}",
    "{{ 'abc'.startswith('b', 1) }} {{ 'abc'.startswith('b', 1, 1) }} {{ 'abc'.startswith('', 3) }} {{ 'abc'.startswith('', 4) }} {{ 'abc'.startswith(('x', 'c'), 2) }} {{ 'abc'.endswith('b', 0, 2) }} {{ 'abc'.endswith('b', -3, -1) }} {{ 'abc'.endswith('abc', 1) }} {{ 'abc'.startswith('', 2, 1) }}",
    "{{ 'abc'.startswith(['a']) }}", "{{ 'abc'.startswith('a', 0, 1, 2) }}", "{{ 'abc'.find('a', 0, 1, 2) }}", "{{ 'abc'.find() }}", "{{ 'abc'.find(sub='a') }}", "{{ 'abc'.find('a', 'b') }}", "{{ 'abc'.count('a', start=1) }}", "{{ 'abc'.upper(1) }}", "{{ 'abc'.lower('x') }}", "{{ 'abc'.title(1) }}", "{{ 'abc'.capitalize(none) }}", "{{ 'abc'.strip('a', 'b') }}", "{{ 'abc'.strip(chars='a') }}", "{{ 'abc'.lstrip(1) }}", "{{ 'abc'.isdigit(1) }}", "{{ 'abc'.isspace(1) }}", "{{ 'abc'.join('x', 'y') }}", "{{ 'abc'.removeprefix('a', 'b') }}", "{{ 'abc'.removesuffix() }}", "{{ 'abc'.replace('a', 'b', 1, 2) }}", "{{ 'abc'.replace('a') }}", "{{ 'abc'.split('b', 1, 2) }}", "{{ 'abc'.split(sep='b', sep='c') }}", "{{ 'abc'.split('b', sep='b') }}", "{{ 'abc'.split(separator='b') }}",
    "{{ 'a b c'.split(sep=none, maxsplit=1) }} {{ 'a-b-c'.split('-', maxsplit=1) }} {{ 'a b  c '.rsplit(none, 1) }} {{ ' a b c '.rsplit(maxsplit=1) }} {{ 'a\u00a0b'.rsplit(none, 3) }}", "{{ 'a\nb\r\nc'.splitlines(true) }} {{ 'a\x0bb\x0cc\x1cd\x85e\u2028f'.splitlines() }} {{ 'a\n\nb\n'.splitlines(keepends=false) }}", "{{ 'a'.splitlines(true, 1) }}",
    "{{ d.get('b', 1, 2) }}", "{{ d.get() }}", "{{ d.get('zz', default=1) }}", "{{ d.items(1) }}", "{{ d.keys(1) }}", "{{ d.values(1) }}", "{{ [1, 2, 1].index(1, 1) }} {{ [1, 2, 1].index(1, -1) }} {{ [1, 2, 1].count(1) }} {{ (1, 2).index(2, 0, 5) }}", "{{ [1, 2].index(1, 1) }}", "{{ [1].count(1, 2) }}", "{{ [1].index() }}", "{% for i in l %}{{ loop.cycle() }}{% endfor %}", "{% for i in l %}{{ loop.cycle(a=1) }}{% endfor %}",
    # arguments of filters, tests and functions
    "{{ 2.675 | round(2) }} {{ 2.5 | round }} {{ 3.5 | round }} {{ -2.5 | round }} {{ 1.005 | round(2) }} {{ 0.125 | round(2) }} {{ 1234.5678 | round(-2) }} {{ 1250.0 | round(-2) }} {{ 1350.0 | round(-2) }} {{ 49.9 | round(-2) }} {{ 51.0 | round(-2) }} {{ -999.9 | round(-3) }} {{ 4.5e20 | round(-20) }} {{ 1e300 | round(5) }} {{ 5e-324 | round(3) }}",
    "{{ 42 | round }} {{ 42 | round(1) }} {{ 25 | round(-1) }} {{ 35 | round(-1) }} {{ -25 | round(-1) }} {{ 2.111 | round(2, 'ceil') }} {{ 2.119 | round(method='floor', precision=2) }} {{ 42 | round(0, 'ceil') }} {{ true | round }} {{ 2.5 | round | int }}", "{{ 2.5 | round(0, 'up') }}", "{{ 2.5 | round(1, 'ceil', 3) }}", "{{ 'a' | round }}",
    "{{ 'ff' | int(0, 16) }} {{ '0xff' | int(base=16) }} {{ '0b11' | int(base=0) }} {{ '12' | int(base=8) }} {{ '-7' | int }} {{ 'x' | int('none') }} {{ 'x' | int(none) }} {{ '3.9' | int }} {{ 'z' | int(5, 36) }} {{ '1.5' | int(7, 2) }}", "{{ '1' | int(0, 10, 1) }}", "{{ 'x' | float('d') }} {{ 'x' | float(default=2) }}", "{{ '1' | float(0.0, 1) }}",
    "{{ {'b': 1, 'a': 'é'} | tojson(true) }} {{ {'b': 1, 'a': 2} | tojson(false, 2) }} {{ {'b': 1, 'a': 2} | tojson(false, none, (',', ':'), true) }}", "{{ d | tojson(separators=',') }}", "{{ d | tojson(false, 2, none, true, 1) }}", "{{ d | tojson(width=3) }}",
    "{{ s | upper(1) }}", "{{ s | lower(x=1) }}", "{{ s | title(1) }}", "{{ s | capitalize(1) }}", "{{ s | length(1) }}", "{{ s | count(1) }}", "{{ s | first(1) }}", "{{ s | last(1) }}", "{{ s | list(1) }}", "{{ s | string(1) }}", "{{ s | safe(1) }}", "{{ s | reverse(1) }}", "{{ 1 | abs(1) }}", "{{ d | items(1) }}", "{{ s | trim('a', 1) }}", "{{ s | trim(set='a') }}", "{{ s | replace('a') }}", "{{ s | replace('a', 'b', 1, 2) }}", "{{ s | replace(old='a', new='b') }}", "{{ s | indent(2, true, true, 1) }}", "{{ s | default('a', true, 1) }}", "{{ zz | default(boolean=true, default_value='q') }} {{ zz | d('a') }}", "{{ l | join(',', none, 1) }}", "{{ l | join(d='-') }}", "{{ l | sum(none, 1, 2) }}", "{{ l | sum(start=10) }}", "{{ l | max(false, none, 1) }}", "{{ l | min(x=1) }}", "{{ l | unique(false, none, 1) }}", "{{ l | sort(true, false, none, 1) }}", "{{ l | sort(reverse=true) }}", "{{ d | dictsort(false, 'value', true) }}", "{{ d | dictsort(false, 'both') }}", "{{ d | dictsort(false, 'key', false, 1) }}",
    "{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}] | sort(attribute='a,b') | map(attribute='b') | join }} {{ [[2, 'x'], [1, 'y']] | sort(attribute=0) | map(attribute=1) | list }} {{ [[1, 2]] | sum(1) }} {{ [['a', 'b']] | join('-', attribute=1) }}",
    "{{ l | map('round', 1) | list }} {{ ['a', 'b'] | map('replace', old='a', new='z') | list }} {{ [l] | map('join', d='+') | list }} {{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }} {{ [{}] | map(attribute='a', default=none) | list }}", "{{ l | map('upper', 1) | list }}", "{{ l | map(attribute='a', other=1) | list }}", "{{ l | map('string', attribute='a') | list }}", "{{ l | map() | list }}", "{{ l | map(default=1) | list }}",
    "{{ [1, 2, 3, 4] | select('divisibleby', 2) | list }} {{ [1, 2, 3, 4] | reject('divisibleby', num=2) | list }} {{ [{'a': 4}, {'a': 3}] | selectattr('a', 'divisibleby', num=2) | list }} {{ [[1], [0]] | selectattr(0) | list }}", "{{ l | select('odd', 1) | list }}", "{{ l | selectattr() | list }}", "{{ [{'a': 1}] | rejectattr('a', 'none', 1) | list }}",
    "{{ 6 is divisibleby(num=3) }} {{ 6 is divisibleby 3 }} {{ 1 is sameas(other=1) }} {{ 1 is in(seq=[1]) }} {{ 1 is eq(1) }}", "{{ 6 is divisibleby(3, 2) }}", "{{ 6 is divisibleby }}", "{{ 1 is defined(1) }}", "{{ 1 is none(1) }}", "{{ 1 is odd(2) }}", "{{ 1 is string('a') }}", "{{ 1 is eq(1, 2) }}", "{{ 1 is eq(other=1) }}", "{{ 1 is eq }}", "{{ 1 is in([1], 2) }}", "{{ 'a' is lower(1) }}", "{{ 1 is number(1) }}", "{{ 1 is sameas(1, 1) }}",
    "{{ range(1, 2, 3, 4) }}", "{{ range(stop=3) }}", "{{ range() }}", "{{ dict({'a': 1}, {'b': 2}) }}", "{{ namespace(1) }}", "{{ raise_exception('a', 'b') }}", "{{ raise_exception() }}", "{{ raise_exception(message='stop') }}", "{{ strftime_now('%Y', 1) }}", "{{ strftime_now() }}", "{{ strftime_now(format='%Y') }}", "{{ f(a=1, a=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(a=1, a=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    # a macro sees the variables around it as they are when it is called
    "{% for i in l %}{% macro k() %}[{{ z }}{{ i }}]{% endmacro %}{% set z = i %}{{ k() }}{% set z = 'late' %}{{ k() }}{% endfor %}", "{% macro f(n) %}{% macro g() %}{{ t }}{{ n }}{% endmacro %}{% set t = 'x' %}{{ g() }}{% set t = t ~ n %}{{ g() }}{% set n = 'other' %}{{ g() }}{% endmacro %}{{ f(1) }}{{ f(2) }}",
    "{% for i in [1, 2] %}{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}b{{ i }}{{ w }}{% endmacro %}{% set w = '!' %}{{ a() }}{% endfor %}", "{% for i in [1, 2] %}{% macro a(n) %}{{ n }}{% if n %}{{ a(n - 1) }}{% endif %}{{ q }}{% endmacro %}{% set q = i %}{{ a(2) }}{% endfor %}", "{% for i in [1, 2] %}{% macro a() %}{{ v }}{% endmacro %}{% for j in [3] %}{% set v = j %}{{ a() }}{% endfor %}{{ a() }}{% set v = i %}{{ a() }}{% endfor %}",
    "{% set g = 1 %}{% for i in [1, 2] %}{% macro a() %}{{ g }}{% endmacro %}{{ a() }}{% set g = i + 10 %}{{ a() }}{% endfor %}{{ g }}", "{% macro f() %}{% set x = 'own' %}{{ x }}{% endmacro %}{% for i in [1] %}{% set x = 'loop' %}{{ f() }}{{ x }}{% endfor %}",
    # with
    "{% with a = 1, b = x %}{{ a }}{{ b }}{{ s }}{% endwith %}{{ a }}{{ b }}|", "{% set a = 'out' %}{% with a = 'in', b = a %}{{ a }} {{ b }}{% set a = 'set' %}{{ a }}{% endwith %} {{ a }}", "{% with %}{% set only = 1 %}{{ only }}{% endwith %}{{ only is defined }}", "{% with a, b = (1, 2), (c, e) = l[:2] %}{{ a }}{{ b }}{{ c }}{{ e }}{% endwith %}",
    "{% for i in l %}{% with j = i * 2 %}{% if j == 2 %}{% continue %}{% endif %}{{ loop.index }}{{ j }} {% with i = 'deep' %}{{ i }}{{ j }}{% endwith %} {% if j == 4 %}{% break %}{% endif %}{% endwith %}{% endfor %}", "{% macro m() %}{{ w }}{{ g }}{% endmacro %}{% set g = 1 %}{% with w = 2 %}{{ m() }}{% macro k(n) %}{{ w }}{{ n }}{% if n %}{{ k(n - 1) }}{% endif %}{% endmacro %}{{ k(2) }}{% set w = 3 %}{{ k(0) }}{% endwith %}{{ k is defined }}",
    "{% with a = 1 %}{% for i in range(2) %}{% set a = i %}{{ a }}{% endfor %}{{ a }}{% endwith %}", "{% with t %}{% endwith %}", "{% with a = 1, %}{% endwith %}", "{% with a = 1 b = 2 %}{% endwith %}", "{% with a = 1 %}", "{% with d.b = 1 %}{% endwith %}", "{% with a, b = [1] %}{% endwith %}", "{% with a = missing.part %}{% endwith %}", "a\n  {% with v = 1 %}\n  b{{ v }}\n  {% endwith %}\nc",
    # call and caller
    "{% macro box(t) %}[{{ t }}:{{ caller() }}]{% endmacro %}{% call box('a') %}in {{ x }}{% endcall %} {% call box(t='b') %}{% endcall %}", "{% macro each(v) %}{% for i in v %}{{ caller(i, loop.index) }};{% endfor %}{% endmacro %}{% call(a, n=0) each(l) %}{{ n }}={{ a }}{% set kept = a %}{% endcall %}{{ kept is defined }}", "{% macro m() %}{{ caller(1) }}{{ caller(1, 2) }}{{ caller(b=3, a=4) }}{{ caller() }}{% endmacro %}{% call(a, b=a ~ '!') m() %}<{{ a }}{{ b }}>{% endcall %}",
    "{% macro m() %}{% if caller %}with {{ caller() | upper }}{% else %}without{% endif %} {{ caller is defined }}{% endmacro %}{{ m() }} {% call m() %}text{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m() %}fixed{% endmacro %}{% call m() %}text{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m(caller=m) }}", "{% macro m(caller=none) %}{{ caller is none }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}", "{% macro m(caller) %}{{ caller() }}{% endmacro %}{% call m() %}x{% endcall %}", "{% macro m(caller=1) %}{{ caller() }}{% endmacro %}{% call m() %}x{% endcall %}",
    "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a) m() %}{% endcall %}", "{% macro m() %}{{ caller(z=1) }}{% endmacro %}{% call(a) m() %}{% endcall %}", "{% call x %}{% endcall %}", "{% call missing() %}{% endcall %}", "{% call s.upper() %}{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() | upper %}x{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m(caller=1) %}x{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}x", "{% call() %}{% endcall %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call(a=1, b) m() %}{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% for i in l %}{% set j = i * 10 %}{% call m() %}{{ i }}{{ j }}{{ loop.last }} {% endcall %}{% set j = 0 %}{% endfor %}", "{% macro inner() %}<{{ caller() }}>{% endmacro %}{% macro outer(n) %}{% set up = caller %}{% call inner() %}{{ n }}{{ up(n) }}{% endcall %}{% endmacro %}{% call(q) outer(5) %}q{{ q }}{% endcall %}", "{% macro inner() %}<{{ caller() }}>{% endmacro %}{% macro outer() %}{% call inner() %}{{ caller is defined }}{% endcall %}{% endmacro %}{% call outer() %}x{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{% call m() %}{% call m() %}deep{% endcall %}{% endcall %}{% endcall %}",
    "{% macro t(n) %}{{ n }}{% if n %}{% call(k) u(n - 1) %}({{ t(k) }}){% endcall %}{% endif %}{% endmacro %}{% macro u(n) %}{{ caller(n) }}{% endmacro %}{{ t(3) }}", "{% macro m() %}{{ caller() }}{{ y }}{% endmacro %}{% call m() %}{% set y = 'own' %}{{ y }}{% endcall %}|", "{% with y = 1 %}{% macro m() %}{{ caller() }}{{ y }}{% endmacro %}{% with y = 2 %}{% call m() %}{{ y }}{% endcall %}{% endwith %}{% endwith %}", "{% macro m() %}[{{ caller() }}]{% endmacro %}{% set b %}{% call m() %}x{% endcall %}{% endset %}{{ b }}{% filter upper %}{% call m() %}y{% endcall %}{% endfilter %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% for i in l %}{% call m() %}{% break %}{% endcall %}{% endfor %}",
    # the filter format, and Python's % between texts and values
    "{{ '%s and %s' | format('a', 2) }} {{ '%s' | format(none) }} {{ '%s %s' | format(true, 1.5) }} {{ '%s' | format(l) }} {{ '%r %a' | format('é\\'', 'é日😀') }} {{ '%s|' | format(missing) }} {{ '%%' | format }} {{ 5 | format }} {{ 'plain' | format }}", "{{ '%d %i %u' | format(3, -4, true) }} {{ '%d' | format(3.99) }} {{ '%d' | format(-3.99) }} {{ '%5d|%-5d|%05d|%+d|% d|%+05d|% 05d|%-05d|' | format(42, 42, 42, 42, 42, 42, 42, 42) }} {{ '%.4d|%8.4d|%-8.4d|%08.4d|%.0d' | format(42, -42, 42, 42, 0) }}",
    "{{ '%x %X %o %#x %#X %#o' | format(255, 255, 8, 255, 255, 8) }} {{ '%#08x|%#8x|%-#8x|%+#x|%#010o|%x|%.5x|%#.5X' | format(255, 255, 255, 255, 8, -255, 255, 255) }}", "{{ '%f %.2f %10.3f|%-10.1f|%010.2f|%+.1f|% .0f|%#.0f' | format(1.5, 2.675, 3.14159, 2, -2.5, 2, 2.5, 3) }} {{ '%e %.3e %E %.0e %#.0e' | format(12345.678, 0.00012, 1e300, 5, 5) }} {{ '%g %g %g %.3g %G %#g %#.3g %#g' | format(0.0001, 0.00001, 1e20, 1234567, 1e-10, 1.5, 100000, 1e6) }} {{ '%f %F %5.1f|%05f' | format(f * 1e308, f * -1e308, f * 1e308, f * -1e308) }} {{ '%.30f %.0f' | format(0.1, 1e22) }} {{ '%g %f' | format(-0.0, -0.0) }}",
    "{{ '%c%c%c%c' | format('a', 98, 233, '日') }} {{ '%5c|%-3c|' | format('x', 'y') }}", "{{ '%5s|%-5s|%.2s|%5.1s|%05s|%.0s|%-4.9s|' | format('ab', 'ab', 'abc', 'abc', 'ab', 'gone', 'é日') }} {{ '%*d|%-*d|%*d|%.*f|%*.*f' | format(5, 42, 5, 42, -5, 42, 2, 1.234, 8, 3, 1.23456) }} {{ '%ld %hd %Ld' | format(1, 2, 3) }}",
    "{{ '%(c(d))s' % {'c(d)': 1} }} {{ '%(a)s %(b)05d %(a)r' | format(a='x', b=7) }} {{ '%(a)s' | format(a=none, b=1) }} {{ 'none' | format(a=1) }} {{ '%s' | format(a=1) }}", "{{ 'a%sb' % 1 }} {{ '%s-%s' % (1, 'z') }} {{ '%(b)s %(a)s' % d }} {{ '%s' % l }} {{ '%s' % none }} {{ 'x' % l }} {{ 'x' % d }} {{ 'x' % missing }} {{ 'x' % () }} {{ '%s' % ((1, 2),) }}", "{{ ['%d', '%04d'] | map('format', 3) | join(',') }}",
    "{{ '%s' | format }}", "{{ '%s' | format(1, 2) }}", "{{ '%d' | format('3') }}", "{{ '%d' | format(none) }}", "{{ '%x' | format(1.5) }}", "{{ '%f' | format('1') }}", "{{ '%c' | format('ab') }}", "{{ '%c' | format(1114112) }}", "{{ '%c' | format(-1) }}", "{{ '%q' | format(1) }}", "{{ '%' | format(1) }}", "{{ '%5' | format(1) }}", "{{ '%(a' | format(a=1) }}", "{{ '%(a)' | format(a=1) }}", "{{ '%(z)s' | format(a=1) }}", "{{ '%(a)s' | format(1) }}", "{{ '%(a)s' | format({'a': 1}) }}", "{{ '%s %s' | format(a=1) }}", "{{ '%(a)s %s' | format(a=1) }}", "{{ '%s' | format(1, a=2) }}", "{{ '%*d' | format('5', 1) }}", "{{ '%*d' | format(5) }}", "{{ '%5%' | format(1) }}", "{{ '%lld' | format(1) }}", "{{ 'x' % 5 }}", "{{ '%s' % () }}", "{{ '%s' % (1, 2) }}", "{{ '%(a)s' % l }}", "{{ 'x' % 'y' }}", "{{ '%d' % missing }}", "{{ '%d' | format(f * 1e308) }}", "{{ 5 % 'x' }}",
    # batch
    "{{ range(7) | batch(3) | list }} {{ range(7) | batch(3, 'x') | list }} {{ range(6) | batch(3, 0) | list }} {{ l | batch(2, fill_with=none) | list }} {{ [] | batch(2, 1) | list }} {{ 'abcde' | batch(2) | list }} {{ d | batch(1) | list }} {{ l | batch(linecount=9, fill_with='') | list }} {{ l | batch(true) | list }} {{ l | batch(0) | list }} {{ l | batch(-1, 5) | list }} {{ missing | batch(2) | list }}", "{% for row in ms | batch(2, {'n': '-'}) %}{% for m in row %}{{ m.n }},{% endfor %};{% endfor %}", "{{ l | batch }}", "{{ l | batch(2, 1, 3) | list }}", "{{ l | batch('2', 1) | list }}", "{{ l | batch(rows=2) | list }}", "{{ x | batch(2) | list }}",
    # white space
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a {%- if true -%}  b  {%- endif -%}  c", "  {%+ if true %}x{% endif %}\n  y", "{# note #}\n  {# indented #}\n  z {# at the end #}\nq", "a\n{{ x }}\nb\n", "a  {{- x -}}  b", "{% if true %}\n\n a\n{% endif %}\n\n", "  {% set a = 1 %}  {{ a }}  \n", "x{% if true %} \n  {% endif %}y", "a\r\nb\r{% if true %}\r\nc{% endif %}", "{%- raw %} {{ not }} {% parsed %} {% endraw -%} x", "a\n  {% raw %}\n  {{ r }}\n  {% endraw %}\nb", "{{ '{{' }} {{ '%}' }} {{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {}} }}", "\n\n{{ x }}\n\n\n", "x {#- c -#} y", "{% if x -%}\n  k\n{%- endif %}\n",
    # syntax
    "{{ 'con' 'cat' }} {{ \"dq\" }} {{ '\\x41\\u0042\\t|' }} {{ 1_000 }} {{ [1, 2,] }} {{ {'a': 1,} }} {{ (1 + 2) * 3 }}", "{% if %}{% endif %}", "{% if x %}", "{{ x ", "{{ 1 + }}", "{% nosuchtag %}", "{{ x | }}", "{{ [1, 2 }}", "{% endfor %}", "{# open", "{{ 'open }}", "{% for in l %}{% endfor %}", "{{ a b }}", "{% generation %}g{{ x }}{% endgeneration %}" ,
    "{{ raise_exception('stop ' ~ x) }}", "{{ strftime_now('%Y-%m-%d') }}", "{% do l %}done", "{% if x == 7 and (s == 'no' or d.b == 1) and not n %}deep{% elif x %}elif{% else %}else{% endif %}", "{% if n %}a{% elif e %}b{% else %}c{% endif %}",
]


def wall_time(unix_s, utc_offset_s):
    """Without a zone, as the time that the library gives to templates."""
    return datetime.fromtimestamp(0, timezone.utc).replace(tzinfo=None) + timedelta(seconds=unix_s + utc_offset_s)


def environment():
    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            next(parser.stream)
            return parser.parse_statements(["name:endgeneration"], drop_needle=True)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, "jinja2.ext.do", Generation])

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: wall_time(NOW, 0).strftime(format)
    return env


def render(template, variables):
    variables = {"bos_token": "<s>", "eos_token": "</s>", **variables}
    try:
        return {"output": environment().from_string(template).render(**variables)}
    except Exception as error:  # every failure of the reference counts as "refused"
        return {"refused": type(error).__name__}


def cases():
    for name, variables in FILES:
        yield {"name": name, "template": (HERE / (name + ".jinja")).read_text(), "variables": variables}
    for index, template in enumerate(SNIPPETS):
        yield {"name": f"snippet {index}", "template": template, "variables": V}


def times():
    return [{"unix_s": unix_s, "utc_offset_s": offset, "format": form, "text": wall_time(unix_s, offset).strftime(form)} for unix_s, offset in CLOCKS for form in FORMATS]


def main():
    made = {"now": NOW, "times": times(), "cases": [{**case, **render(case["template"], case["variables"])} for case in cases()]}
    target = HERE / "expected.json"
    if sys.argv[1:] == ["--write"]:
        target.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
        print(f"{len(made['cases'])} cases, jinja2 {jinja2.__version__}")
        return 0
    stored = json.loads(target.read_text())
    differing = [new["name"] for new, old in zip(made["cases"], stored["cases"]) if new != old]
    differing += [new for new, old in zip(made["times"], stored["times"]) if new != old]
    if len(made["cases"]) != len(stored["cases"]) or len(made["times"]) != len(stored["times"]) or differing:
        print("differs from expected.json:", differing)
        return 1
    return 0


sys.exit(main())
