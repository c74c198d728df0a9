/* Every subcommand once, in the order `tarn --help` shows: COMMAND(name). No include guard: who
 * includes it says what COMMAND makes of a name. */
COMMAND(run)
COMMAND(trace)
COMMAND(bench)
COMMAND(options)
COMMAND(heap)
COMMAND(explain)
COMMAND(top)
COMMAND(profile)
COMMAND(leaks)
