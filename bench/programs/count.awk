# Associative arrays of strings: words counted, joined and sorted.
BEGIN {
    state = 1
    for (line = 1; line <= rounds; line++) {
        state = (state * 16807) % 2147483647
        word = "k" (state % 50021)
        count[word]++
        text[word] = text[word] " " line
        if (length(text[word]) > 200)
            text[word] = substr(text[word], 100)
        parts = split(text[word], fields, " ")
        total += parts
    }
    n = asorti(count, sorted)
    print n, total, sorted[1], count[sorted[1]], length(text[sorted[n]])
}
