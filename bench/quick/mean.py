#!/usr/bin/env python3
"""Mean instructions of malloc, free and realloc over the traces, exact, by callgrind.

    mean.py QUICK_REPLAY ARENA OPTIONS TRACES

ARENA as quick-replay takes it. What memset and memcpy do with the caller's bytes is not counted, the
calls to them are."""
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOTS = {'tarn_quick_malloc': 'malloc_from_index', 'tarn_quick_free': 'free_to_index',
         'tarn_quick_realloc': None}


def costs(path):
    names, own, calls = {}, {}, {}
    function = called = None
    after_calls = False
    for line in open(path):
        named = re.match(r'(c?fn)=\((\d+)\)(?: (.*))?', line)
        if named:
            if named[3]:
                names[named[2]] = re.sub(r"'\d+$", '', named[3].strip())
            if named[1] == 'fn':
                function = names[named[2]]
            else:
                called = names[named[2]]
            continue
        times = re.match(r'calls=(\d+)', line)
        if times:
            calls[called] = calls.get(called, 0) + int(times[1])
            after_calls = True
            continue
        cost = re.match(r'[+\-*\d]\S* (\d+)$', line)
        if cost:
            if not after_calls:
                own[function] = own.get(function, 0) + int(cost[1])
            after_calls = False
    return own, calls


def main():
    replay, arena, options, folder = sys.argv[1:5]
    traces = sorted(glob.glob(folder + '/*.mt*'))
    if not traces:
        print(f'note: no traces in {folder}')
    sums = {root: [0, 0, []] for root in ROOTS}
    for trace in traces:
        with tempfile.TemporaryDirectory() as temporary:
            out = os.path.join(temporary, 'out')
            toggles = [f'--toggle-collect={root}' for root in ROOTS]
            done = subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={out}', *toggles,
                                   replay, trace, arena, options], capture_output=True, text=True)
            if done.returncode != 0:
                print(f'{trace}: {done.stderr[-200:]}')
                continue
            own, calls = costs(out)
        text = f'  {os.path.basename(trace).split(".")[0]:10}'
        for root, helper in ROOTS.items():
            number = calls.get(root, 0)
            cost = own.get(root, 0) + own.get(helper, 0)
            if number:
                text += f' {root[11:]} {cost / number:6.1f}'
                sums[root][0] += cost
                sums[root][1] += number
                sums[root][2].append(cost / number)
        print(text, flush=True)
    for root, (cost, number, means) in sums.items():
        if number:
            print(f'  {root[11:]}: {cost / number:.1f} over all calls, '
                  f'{sum(means) / len(means):.1f} mean of the traces')


main()
