# Writes the page's German texts for the gateway's codes and states as a C source: the table of words.h.
# A line that has none of the forms below ends the build, so that no text is left out unseen.

BEGIN {
    count = split("check code delivery destination health history journal map part problem role severity trace who", names)
    for (i = 1; i <= count; i++)
        wanted[names[i]] = 1
    print "#include \"tools/control/words.h\"\n\nconst struct mg_word mg_words_german[] = {"
}

function fail(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
    failed = 1
    exit 1
}

# One text: name as it stands before the colon, text with its quotes.
function put(name, text) {
    gsub(/'/, "", name)
    text = substr(text, 2, length(text) - 2)
    if (text ~ /[\\']/)
        fail("a text with a backslash or an apostrophe is not understood here")
    gsub(/"/, "\\\"", text)
    printf "    {\"%s\", \"%s\", \"%s\"},\n", group, name, text
    written[group]++
}

# Groups stand at the first level.
/^    [a-z]+: \{$/ {
    group = substr($1, 1, length($1) - 1)
    next
}
/^    \},$/ {
    group = ""
    next
}
!(group in wanted) {
    next
}

# A text that depends on a number, in one line or in several: no code has such a one.
/^        [a-z'.-]+: \{.*\},$/ {
    next
}
/^        [a-z'.-]+: \{$/ {
    plural = 1
    next
}
plural {
    if (/^        \},$/)
        plural = 0
    next
}

# NAME: 'TEXT', in one line or in two.
/^        [a-z0-9_'.-]+: '.*',$/ {
    name = $1
    sub(/:$/, "", name)
    text = $0
    sub(/^ *[^ ]+ /, "", text)
    sub(/,$/, "", text)
    put(name, text)
    next
}
/^        [a-z0-9_'.-]+:$/ {
    pending = $1
    sub(/:$/, "", pending)
    next
}
pending && /^            '.*',$/ {
    text = $0
    sub(/^ */, "", text)
    sub(/,$/, "", text)
    put(pending, text)
    pending = ""
    next
}

{
    fail("a text of this form is not understood here")
}

END {
    if (failed)
        exit 1
    for (name in wanted)
        if (!written[name])
            fail("the group " name " is missing")
    print "};\nconst size_t mg_words_german_count = sizeof mg_words_german / sizeof *mg_words_german;"
}
