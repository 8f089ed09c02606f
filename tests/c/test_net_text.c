/* Names in a network's text: what they become, what is refused, and that texts without any come back as they were. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/net_text.h"

static void expands(const char *source, const char *const *settings, int count, const char *want) {
    char err[NET_ERROR] = "";
    char *got = net_expand(source, "x.net", settings, count, err);
    CHECK(got && !strcmp(got, want), "'%.100s' gives '%s'%s, not '%s'", source, got ? got : "", err, want);
    free(got);
}

static void refused_with(const char *source, const char *setting, const char *want) {
    char err[NET_ERROR] = "";
    char *got = net_expand(source, "x.net", &setting, setting != NULL, err);
    CHECK(!got && !strncmp(err, want, strlen(want)), "'%.60s' (%s): '%s', not '%s'", source, got ? "taken" : "refused", err,
          want);
    free(got);
}

static void refused(const char *source, const char *want) {
    refused_with(source, NULL, want);
}

static void test_expands(void) {
    static const char *const same[] = {"",
                                       "\n",
                                       "input 3",
                                       "input 3\r\n\r\n",
                                       "  a  relu # $x, if, set\n\n#set a=1\n",
                                       "setup relu\niffy relu\nunlessen relu\n",
                                       "\tset.up relu  \n"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) expands(same[i], NULL, 0, same[i]);

    const char *source =
        "set a=2 b=0 # two\nif a x conv $a*3 $a # a\nif b y conv\nunless b z conv 1\n\tunless a $no\n if a unless b  q $b # c\n";
    expands(source, NULL, 0, "# set a=2 b=0 # two\nx conv 6 2 # a\n\nz conv 1\n\nq 0 # c\n");
    static const char *const other[] = {"b=9", "a=0", "b=1"}, *const same_as_set[] = {"a=2"};
    expands("set a=2 b=0\nif a $a\nif b $b\nunless a z\n", other, 3, "# set a=0 b=1 \n\n1\nz\n");
    expands(source, same_as_set, 1, "# set a=2 b=0 # two\nx conv 6 2 # a\n\nz conv 1\n\nq 0 # c\n");

    expands("set a=3 b_2=5\nx${a}x$a,${b_2}x,$b_2*$a*2-$a", NULL, 0, "# set a=3 b_2=5 \nx3x3,5x,30-3");
    expands("set a=2147483647 z=0\n$a*1 $a*$z", NULL, 0, "# set a=2147483647 z=0 \n2147483647 0");
    expands("set a=80\nset w=max(64,$a) v=max(64,1) u=min(64,$a) t=min(64,1) s=max(7,7)\n$w $v $u $t $s", NULL, 0,
            "# set a=80 \n# set w=80 v=64 u=64 t=1 s=7 \n80 64 64 1 7");
    /* What follows from a name follows its override. */
    static const char *const more[] = {"a=100"};
    expands("set a=1\nset w=max(64,$a)\nif a set c=$a*2\n$w $c", more, 1, "# set a=100 \n# set w=100 \n# set c=200 \n100 200");
}

static void test_refused(void) {
    refused("\nset\n", "x.net:2: `set` wants NAME=N");
    refused("set a\n", "x.net:1: set: 'a' isn't NAME=N");
    refused("set =1\n", "x.net:1: set: '=1' isn't NAME=N");
    refused("set 1a=1\n", "x.net:1: set: '1a=1' isn't NAME=N");
    refused("set a-b=1\n", "x.net:1: set: 'a-b=1' isn't NAME=N");
    refused("set a23456789012345678901234567890123=1\n", "x.net:1: set: 'a23456789012345678901234567890123=1' isn't NAME=N");
    static const char *const values[] = {
        "",        "-1",     "+1",         "1.5",    "0x10",     "2147483648", "99999999999999999999",
        "max(1,2", "max(1)", "max(1,2,3)", "max(,)", "med(1,2)", "max(1,2)3"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char source[64], want[128];
        snprintf(source, sizeof source, "set a=%s\n", values[i]);
        snprintf(want, sizeof want, "x.net:1: '%s' isn't a whole number up to 2147483647", values[i]);
        refused(source, want);
    }
    refused("set a=1 a=2\n", "x.net:1: 'a' is set twice");
    refused("set a=1\nset a=2\n", "x.net:2: 'a' is set twice");
    refused("$a\nset a=1\n", "x.net:1: no `set` above gives 'a' a value");
    refused("set a=1\n$ab\n", "x.net:2: no `set` above gives 'ab' a value");
    refused("set a=1\n$\n", "x.net:2: '$' isn't $NAME or ${NAME}");
    refused("set a=1\n${a\n", "x.net:2: '${a' isn't $NAME or ${NAME}");
    refused("set a=1\n${}\n", "x.net:2: '${}' isn't $NAME or ${NAME}");
    refused("set a=1\n$a*x\n", "x.net:2: '*' wants a whole number or $NAME after it, not 'x'");
    refused("set a=1\n$a*-1\n", "x.net:2: '*' wants a whole number or $NAME after it, not '-1'");
    refused("set a=65536\n$a*32768\n", "x.net:2: a product is more than 2147483647");
    refused("set a=2147483647\n$a*$a*$a\n", "x.net:2: a product is more than 2147483647");
    refused("if a relu\n", "x.net:1: no `set` above gives 'a' a value");
    refused("set a=0\nif a\n", "x.net:2: `if` wants a name and a line, not 'a'");
    refused("set a=0\nunless a  # x\n", "x.net:2: no line after `unless a`");
    refused("if\n", "x.net:1: `if` wants a name and a line, not ''");
    refused("unless $a relu\n", "x.net:1: `unless` wants a name and a line, not '$a relu'");

    refused_with("set classes=80\nset marks=0\n", "class=1", "x.net: nothing here is called 'class'; there is: classes marks");
    refused_with("input 3\n", "a=1", "x.net: nothing here is called 'a'; there is: nothing");
    refused_with("set a=1\n", "a", "x.net: the setting 'a' isn't NAME=N");
    refused_with("set a=1\n", "a=", "x.net: the setting 'a=' isn't NAME=N");
    refused_with("set a=1\n", "a=max(1,2)", "x.net: the setting 'a=max(1,2)' isn't NAME=N");
    refused_with("set a=1\n", "a=2147483648", "x.net: the setting 'a=2147483648' isn't NAME=N");

    text t = {0};
    for (int i = 0; i < 65; i++) text_addf(&t, "set a%d=1\n", i);
    refused(t.s, "x.net:65: more than 64 names");
    free(t.s);

    /* As long as a text may be, one byte more, and one that grows. */
    char *large = xmalloc(NET_MAX_TEXT + 2), err[NET_ERROR];
    memset(large, '\n', NET_MAX_TEXT + 1);
    large[NET_MAX_TEXT + 1] = 0;
    refused(large, "x.net: over 1 MiB");
    large[NET_MAX_TEXT] = 0;
    char *got = net_expand(large, "x.net", NULL, 0, err);
    CHECK(got && !strcmp(got, large), "1 MiB");
    free(got);
    memcpy(large, "set a=2147483647\n", 17);
    for (int i = 17; i < NET_MAX_TEXT; i++) large[i] = "$a\n"[(i - 17) % 3];
    large[17 + (NET_MAX_TEXT - 17) / 3 * 3] = 0;
    refused(large, "x.net:95325: over 1 MiB");
    free(large);
}

/* net_parse reads the language with names; messages keep the file's lines, the net the text that is left. */
static void test_parse(void) {
    char err[NET_ERROR] = "";
    net *n = net_parse("set c=4\ninput 8x8x3\nunless c a relu\nif c a conv $c 3\n", "x.net", err);
    CHECK(n && net_shape(n, 0, 0, 0, err) && n->layers == 2 && n->layer[1].c == 4, "%s", err);
    CHECK(n && !strcmp(n->text, "# set c=4 \ninput 8x8x3\n\na conv 4 3\n"), "'%s'", n ? n->text : "");
    net_free(n);
    CHECK(!net_parse("set c=0\ninput 8x8x3\nif c relu\na conv $c 3\n", "x.net", err) &&
              !strncmp(err, "x.net:4: channels '0'", 21),
          "%s", err);
    CHECK(!net_parse("input 8x8x3\na conv $c 3\n", "x.net", err) && !strncmp(err, "x.net:2: no `set`", 17), "%s", err);
}

int main(void) {
    test_expands();
    test_refused();
    test_parse();
    return check_status();
}
