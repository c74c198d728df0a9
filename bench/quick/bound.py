#!/usr/bin/env python3
"""Proves the bounds of malloc, mallocz, free and realloc from the machine code: the longest path through each
function, counted in instructions. A loop in any of them is an error. Calls to memset, memcpy and
memmove count as one instruction (the caller's bytes come on top), and so do the ways out of the
bounded part: what refuses, reports damage, or serves heaps with a lock (guard.c).

    bound.py libtarn-quick.a
"""
import re
import subprocess
import sys

OUTSIDE = re.compile(r'mem(set|cpy|move)|tn_quick_(refill|release|reallocate|panic|allocate)')


def functions(archive):
    text = subprocess.run(['objdump', '-dr', '--no-show-raw-insn', archive], check=True,
                          capture_output=True, text=True).stdout
    found, name = {}, None
    for line in text.splitlines():
        head = re.match(r'[0-9a-f]+ <([^>]+)>:', line)
        if head:
            name = head[1]
            found.setdefault(name, [])
            code = found[name]
            continue
        reloc = re.match(r'\s+[0-9a-f]+: R_\w+\s+([\w.]+)', line)
        if reloc and name and code:
            code[-1][3] = reloc[1]
            continue
        insn = re.match(r'\s*([0-9a-f]+):\s+(.*?)\s*$', line)
        if insn and name:
            words = insn[2].split(None, 1)
            code.append([int(insn[1], 16), words[0], words[1] if len(words) > 1 else '', None])
    return found


def bound(found, name, memo, active=()):
    if name in memo:
        return memo[name]
    if name in active:
        sys.exit(f'{name}: calls itself')
    code = found[name]
    index = {insn[0]: i for i, insn in enumerate(code)}
    best, open_ = {}, set()

    def callee(insn):
        target = insn[3]
        if target is None or target.startswith('.'):
            inner = re.search(r'<([^>+]+)>', insn[2])
            target = inner[1] if inner else target
        if target is None or OUTSIDE.match(target) or target not in found:
            return 0
        return bound(found, target, memo, active + (name,))

    def longest(i):
        if i in best:
            return best[i]
        if i in open_:
            sys.exit(f'{name}: has a loop at {code[i][0]:x}')
        open_.add(i)
        op, arg = code[i][1], code[i][2]
        if op == 'data16' or op.startswith('nop'):
            cost, ways = 0, [i + 1]
        else:
            cost, ways = 1, [i + 1]
        if op.startswith('ret') or op.startswith('ud2'):
            ways = []
        elif op == 'call':
            cost += callee(code[i])
        elif op.startswith('j'):
            target = re.match(r'([0-9a-f]+)\s+<([^>+]+)(\+0x[0-9a-f]+)?>', arg)
            local = code[i][3] is None and target and target[2] == name
            if local:
                ways = [index[int(target[1], 16)]] + ([] if op == 'jmp' else [i + 1])
            else:
                cost += callee(code[i])
                ways = [] if op == 'jmp' else [i + 1]
        best[i] = cost + max([longest(w) for w in ways if w < len(code)], default=0)
        open_.discard(i)
        return best[i]

    sys.setrecursionlimit(100000)
    memo[name] = longest(0)
    return memo[name]


def main():
    found = functions(sys.argv[1])
    memo = {}
    for name in ('tarn_quick_malloc', 'tarn_quick_mallocz', 'tarn_quick_free', 'tarn_quick_realloc'):
        print(f'{name[11:]}: at most {bound(found, name, memo)} instructions, no loop')


main()
