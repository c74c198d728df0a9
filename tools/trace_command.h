/*
 * `tarn trace` and its three verbs; argv[0] of each is the verb.
 */
#ifndef TARN_TRACE_COMMAND_H
#define TARN_TRACE_COMMAND_H

int trace_record(int argc, char **argv);
int trace_replay(int argc, char **argv);
int trace_show(int argc, char **argv);

#endif
