"""Whether every call in qemu-user's -strace that changes mappings speaks of whole pages of a size: reads it from
standard input. Usage: whole_pages.py PAGE-SIZE"""

import re
import sys

page = int(sys.argv[1])
seen, wrong = 0, []
for line in sys.stdin.buffer:
    call = re.match(rb"\d+ (mprotect|madvise|munmap|mremap)\((\w+),(\w+)", line)
    if call:
        seen += 1
        if int(call[2], 0) % page or int(call[3], 0) % page:
            wrong.append(line.decode(errors="replace"))
if wrong or seen < 10:
    sys.exit(f"{seen} calls, of which these are not of whole pages of {page}:\n" + "".join(wrong[:10]))
