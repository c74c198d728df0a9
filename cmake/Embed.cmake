# cmake -DINPUT=FILE -DOUTPUT=FILE -DNAME=NAME -P Embed.cmake: a C file that holds the text of another file,
# in pieces that compilers take: const char *const NAME[], with NULL at the end, a line each.
file(READ ${INPUT} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE ";" "\\073" text "${text}")
string(REPLACE "[" "\\133" text "${text}")
string(REPLACE "]" "\\135" text "${text}")
string(REGEX REPLACE "([^\n]*)\n" "    \"\\1\",\n" text "${text}")
file(WRITE ${OUTPUT} "extern const char *const ${NAME}[];\nconst char *const ${NAME}[] = {\n${text}    0,\n};\n")
