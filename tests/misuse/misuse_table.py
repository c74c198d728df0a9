"""Which message each misuse must end with: the program, the public function the user called, and what the
message says of the pointer. The one place to change when the wording does."""

# The whole of stderr: one line that names the function called, the pointer, the reason, and its code.
LINE = r"tarn: {function}\({pointer}\): {reason} \[T1\d\d\]\n"

ALREADY = r"already free\b.*"
INVALID = r"(not|never|inside|no|invalid)\b.*"
DAMAGED = r"written to (before its start|past its end|after it was freed) \(\d+-byte block\)"
# The program's own access ends it: there is nothing to say.
FAULT = None
# A freed block whose slab has meanwhile gone back is no longer known as a block.
EITHER = f"({ALREADY}|{INVALID})"

FREE = r"free"
REALLOC = r"realloc"
# What another thread has put on a list is found by whoever takes the list.
ANY = r"[a-z_ ]+"

# program: (function, reason)
TABLE = {
    "double_free_small": (FREE, ALREADY),
    "double_free_medium": (FREE, ALREADY),
    "double_free_large": (FREE, EITHER),
    "double_free_huge": (FREE, EITHER),
    "double_free_first": (FREE, EITHER),
    "double_free_zero": (FREE, EITHER),
    "double_free_aligned": (FREE, EITHER),
    "double_free_after_one": (FREE, ALREADY),
    "double_free_after_ten": (FREE, ALREADY),
    "double_free_after_thousand": (FREE, ALREADY),
    "double_free_medium_after_ten": (FREE, EITHER),
    "double_free_large_after_ten": (FREE, EITHER),
    "double_free_interleaved": (FREE, ALREADY),
    "double_free_neighbour_reused": (FREE, ALREADY),
    "double_free_written": (FREE, ALREADY),
    "double_free_emptied": (FREE, EITHER),
    "double_free_trimmed": (FREE, EITHER),
    "double_free_other_thread": (FREE, ALREADY),
    "double_free_twice_remote": (ANY, ALREADY),
    "double_free_remote_then_owner": (ANY, ALREADY),
    "double_free_dead_owner": (FREE, EITHER),
    "double_free_by_realloc": (REALLOC, ALREADY),
    "double_free_large_by_realloc": (REALLOC, EITHER),
    "double_free_moved": (FREE, EITHER),
    "freed_realloc_same": (REALLOC, ALREADY),
    "double_free_sized": (r"free_sized", ALREADY),
    "double_free_delete": (r"(operator delete|free|_ZdlPv)", ALREADY),
    "invalid_free_interior_small": (FREE, INVALID),
    "invalid_free_interior_medium": (FREE, INVALID),
    "invalid_free_interior_large": (FREE, INVALID),
    "invalid_free_unaligned": (FREE, INVALID),
    "invalid_free_unaligned_large": (FREE, INVALID),
    "invalid_free_end": (FREE, EITHER),
    "invalid_free_interior_reused": (ANY, INVALID),
    "invalid_free_stack": (FREE, INVALID),
    "invalid_free_static": (FREE, INVALID),
    "invalid_free_constant": (FREE, INVALID),
    "invalid_free_function": (FREE, INVALID),
    "invalid_free_mapped": (FREE, INVALID),
    "invalid_free_far": (FREE, INVALID),
    "invalid_free_low": (FREE, INVALID),
    "invalid_free_never_allocated": (FREE, INVALID),
    "invalid_free_uncarved": (FREE, EITHER),
    "invalid_free_uncarved_medium": (FREE, EITHER),
    "invalid_free_tail": (FREE, EITHER),
    "invalid_realloc_interior": (REALLOC, INVALID),
    "invalid_realloc_static": (REALLOC, INVALID),
    "damage_past_end": (FREE, DAMAGED),
    "damage_past_end_medium": (FREE, DAMAGED),
    "damage_past_end_live": (r"exit", DAMAGED),
    "damage_past_page": (FREE, FAULT),
    "damage_before_start": (FREE, DAMAGED),
    "damage_before_start_by_far": (FREE, DAMAGED),
    "damage_after_free": (r"exit", DAMAGED),
    "damage_after_free_churn": (FREE, DAMAGED),
    "damage_after_free_large": (FREE, FAULT),
    "damage_after_free_reused": (ANY, DAMAGED),
    "damage_after_free_reused_medium": (ANY, DAMAGED),
    "damage_after_free_counted": (ANY, DAMAGED),
    "damage_of_nothing": (FREE, FAULT),
    "mismatch_free_size": (r"free_sized", r"the block is of 64 bytes, not 60"),
    "mismatch_usable_size": (r"malloc_usable_size", ALREADY),
    "mismatch_delete_array": (r"operator delete\[\]", r"the block is from operator new"),
    "mismatch_delete_type": (r"operator delete", r"the block is of 1 bytes, not 72"),
}

# The fast path of free does not ask whether a small pointer starts a block, nor find a block that was freed
# and then written to, nor is there anything around a block that could show damage: these need TARN_CHECK=1,
# where the program does nothing afterwards that would find them.
CHECKED = {
    "double_free_written",
    "invalid_free_interior_small",
    "invalid_free_never_allocated",
    "invalid_free_unaligned",
    "invalid_free_uncarved",
    "invalid_free_uncarved_medium",
    "invalid_free_tail",
}
CHECKED |= {name for name in TABLE if name.startswith(("damage_", "mismatch_"))}
# But a block that is about to be given out again is looked at, and one that is asked about.
CHECKED -= {
    "damage_after_free_reused",
    "damage_after_free_reused_medium",
    "damage_after_free_counted",
    "mismatch_usable_size",
}
