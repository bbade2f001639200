/* The words of the benchmark's data. Lists that queries name values of (nations, types, containers, segments, modes, ...) are
 * those of the public specification; the vocabulary of the comments and all but two of the colours are our own, since no
 * query looks at them: queries look for "green" and "forest" among 92 colours, and for "special" before "requests".
 */
#ifndef BENCH_TPCH_WORDS_H
#define BENCH_TPCH_WORDS_H

/* A word of the comments and how often it is taken, relative to the others of its list. */
struct word {
    const char *text;
    unsigned weight;
};

static const struct word nouns[] = {
    { "requests", 36 }, { "parcels", 36 }, { "invoices", 36 }, { "pallets", 30 }, { "ledgers", 20 }, { "crates", 20 },
    { "barges", 12 }, { "harbours", 12 }, { "lanterns", 12 }, { "anvils", 12 }, { "bridges", 12 }, { "compasses", 12 },
    { "kettles", 12 }, { "looms", 12 }, { "magnets", 12 }, { "millstones", 12 }, { "orchards", 12 }, { "pendulums", 12 },
    { "quarries", 12 }, { "ravens", 12 }, { "saddles", 12 }, { "sparrows", 12 }, { "tariffs", 12 }, { "trains", 12 },
    { "valves", 12 }, { "wagons", 12 }, { "windmills", 12 }, { "otters", 12 }, { "badgers", 12 }, { "clocks", 12 },
};
static const struct word verbs[] = {
    { "wait", 12 }, { "travel", 12 }, { "rest", 12 }, { "wander", 10 }, { "settle", 10 }, { "gather", 10 }, { "turn", 10 },
    { "arrive", 10 }, { "leave", 10 }, { "drift", 8 }, { "count", 8 }, { "weigh", 8 }, { "load", 8 }, { "unfold", 8 },
    { "hurry", 8 }, { "linger", 8 }, { "rattle", 8 }, { "shine", 8 }, { "sort", 8 }, { "mend", 8 },
};
static const struct word adjectives[] = {
    { "special", 23 }, { "regular", 20 }, { "late", 20 }, { "early", 20 }, { "bold", 14 }, { "final", 14 }, { "quiet", 14 },
    { "heavy", 10 }, { "patient", 10 }, { "brisk", 10 }, { "narrow", 10 }, { "wooden", 10 }, { "curious", 10 }, { "plain", 10 },
    { "distant", 10 }, { "sturdy", 10 }, { "idle", 10 }, { "hollow", 10 }, { "gentle", 10 }, { "spare", 10 },
};
static const struct word adverbs[] = {
    { "slowly", 12 }, { "calmly", 12 }, { "boldly", 10 }, { "rarely", 10 }, { "daily", 10 }, { "neatly", 10 }, { "often", 10 },
    { "soundly", 8 }, { "barely", 8 }, { "gladly", 8 }, { "duly", 8 }, { "evenly", 8 }, { "wisely", 8 }, { "quickly", 8 },
};
static const struct word prepositions[] = {
    { "above", 10 }, { "behind", 10 }, { "beyond", 10 }, { "near", 10 }, { "under", 10 }, { "along", 10 }, { "without", 8 },
    { "among", 8 }, { "across", 8 }, { "around", 8 }, { "before", 8 }, { "despite", 6 }, { "against", 6 }, { "inside", 6 },
};
static const struct word auxiliaries[] = {
    { "may", 10 }, { "might", 10 }, { "could", 8 }, { "shall", 8 }, { "must", 8 }, { "ought to", 6 }, { "used to", 6 },
    { "will have to", 4 },
};
static const struct word ends[] = { { ".", 60 }, { ";", 10 }, { "!", 6 }, { ":", 6 }, { "?", 6 }, { "...", 6 } };

static const char *const colours[] = {
    "almond", "amber", "apricot", "aqua", "ash", "azure", "beige", "black", "blue", "blush",
    "bronze", "brown", "buff", "canary", "carmine", "cerise", "cerulean", "charcoal", "cherry", "chestnut",
    "chocolate", "claret", "cobalt", "copper", "coral", "cream", "crimson", "cyan", "denim", "ebony",
    "ecru", "emerald", "fawn", "flax", "forest", "fuchsia", "ginger", "gold", "granite", "grape",
    "green", "grey", "hazel", "heather", "honey", "indigo", "ivory", "jade", "jet", "khaki",
    "lavender", "lemon", "lilac", "lime", "linen", "magenta", "mahogany", "maroon", "mauve", "mint",
    "mustard", "navy", "ochre", "olive", "onyx", "orange", "orchid", "peach", "pearl", "pink",
    "plum", "purple", "red", "rose", "ruby", "russet", "saffron", "salmon", "sand", "scarlet",
    "sepia", "sienna", "silver", "slate", "smoke", "tan", "teal", "thistle", "umber", "violet",
    "wheat", "white",
};
_Static_assert(sizeof colours / sizeof *colours == 92, "one in 92 names begins with a given colour, five in 92 have it");

static const char *const regions[] = { "AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST" };
static const struct {
    const char *name;
    unsigned region;
} nations[] = {
    { "ALGERIA", 0 }, { "ARGENTINA", 1 }, { "BRAZIL", 1 }, { "CANADA", 1 }, { "EGYPT", 4 }, { "ETHIOPIA", 0 }, { "FRANCE", 3 },
    { "GERMANY", 3 }, { "INDIA", 2 }, { "INDONESIA", 2 }, { "IRAN", 4 }, { "IRAQ", 4 }, { "JAPAN", 2 }, { "JORDAN", 4 },
    { "KENYA", 0 }, { "MOROCCO", 0 }, { "MOZAMBIQUE", 0 }, { "PERU", 1 }, { "CHINA", 2 }, { "ROMANIA", 3 },
    { "SAUDI ARABIA", 4 }, { "VIETNAM", 2 }, { "RUSSIA", 3 }, { "UNITED KINGDOM", 3 }, { "UNITED STATES", 1 },
};
static const char *const type_first[] = { "STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO" };
static const char *const type_second[] = { "ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED" };
static const char *const type_third[] = { "TIN", "NICKEL", "BRASS", "STEEL", "COPPER" };
static const char *const container_first[] = { "SM", "LG", "MED", "JUMBO", "WRAP" };
static const char *const container_second[] = { "CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM" };
static const char *const segments[] = { "AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD" };
static const char *const priorities[] = { "1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW" };
static const char *const instructions[] = { "DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN" };
static const char *const modes[] = { "REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB" };

#endif
