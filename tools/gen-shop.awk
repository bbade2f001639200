# Rows of the sample shop: the same ones every time. awk -f gen-shop.awk prints INSERT statements.
function next_number(below)
{
    state = (state * 69069 + 1) % 2147483648
    return int(state / 4096) % below
}

function row(table, text)
{
    if (table != open || rows >= 200) {
        flush_rows()
        printf "INSERT INTO %s VALUES\n  %s", table, text
        open = table
    } else {
        printf ",\n  %s", text
    }
    rows++
}

function flush_rows()
{
    if (open != "")
        print ";"
    open = ""
    rows = 0
}

BEGIN {
    state = 42
    nfirst = split("Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy John Katherine Ken Leslie Margaret Niklaus Radia Shafi Tim", first, " ")
    nlast = split("Adams Baker Clark Davies Evans Fischer Garcia Haas Ito Jansen Kim Larsen Meyer Novak Olsen Petrov Quinn Rossi Silva Weber", last, " ")
    ncity = split("Amsterdam Berlin Chicago Dublin Edinburgh Florence Geneva Helsinki Istanbul Kyoto Lisbon Madrid", city, " ")
    nthing = split("Lamp Chair Table Clock Kettle Mirror Shelf Carpet Vase Basket", thing, " ")
    nkind = split("small large red blue green plain striped", kind, " ")
    for (i = 1; i <= 70; i++) {
        price[i] = 500 + next_number(20000)
        row("products", sprintf("(%d, '%s, %s', %d.%02d)", i, thing[(i - 1) % nthing + 1], kind[int((i - 1) / nthing) + 1], price[i] / 100, price[i] % 100))
    }
    for (i = 1; i <= 1000; i++)
        row("customers", sprintf("(%d, '%s %s', '%s', '%d-%02d-%02d')", i, first[next_number(nfirst) + 1], last[next_number(nlast) + 1],
            city[next_number(ncity) + 1], 2015 + next_number(10), 1 + next_number(12), 1 + next_number(28)))
    for (i = 1; i <= 5000; i++) {
        p = 1 + next_number(70)
        q = 1 + next_number(5)
        row("orders", sprintf("(%d, %d, '2025-%02d-%02d %02d:%02d:00', %d, %d, %d.%02d)", 1 + next_number(1000), i, 1 + next_number(12),
            1 + next_number(28), next_number(24), next_number(60), p, q, int(price[p] * q / 100), price[p] * q % 100))
    }
    row("settings", "('currency', 'EUR')")
    row("settings", "('open', 'yes')")
    flush_rows()
}
