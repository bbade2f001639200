# conf/options.txt (made from conf/options.def) as roff, in place of @OPTIONS@ in the page.
BEGIN {
    while ((getline line < options) > 0) {
        gsub(/\\/, "\\e", line)
        gsub(/-/, "\\-", line)
        if (line ~ /^\//)
            text = text ".TP\n.B " line "\n"
        else {
            sub(/^ +/, "", line)
            text = text line "\n"
        }
    }
}
/^@OPTIONS@$/ { printf "%s", text; next }
{ print }
