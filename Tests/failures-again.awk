# Passes on what `swift test` prints, and at the end prints once more what failed and where: nobody finds it among thousands
# of lines, and of a CI run often only the last ones are kept.
BEGIN {
    lines_max = 200
    count = 0
}

{
    print
    fflush()
}

/^✘ Test / && !/^✘ Test run with / || /^error: / || /[Ff]atal error: / { is_about_failure = 1; keep(); next }
# An issue's details follow it, each behind an arrow.
is_about_failure && /^[ \t]*↳ / { keep(); next }
{ is_about_failure = 0 }

END {
    if (count > 0) print "\nWhat failed:"
    for (i = 0; i < count && i < lines_max; i++) print again[i]
    if (count > lines_max) print "and " (count - lines_max) " lines more"
}

function keep() {
    if (count < lines_max) again[count] = $0
    count++
}
