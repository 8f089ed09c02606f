#!/usr/bin/env bats
# tview: contact sheets, compared pixel by pixel (imgnorm decodes them), and the terminal.
# shellcheck disable=SC2002 # the cats make pipes

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
}

stream() { python3 "$BATS_TEST_DIRNAME/stream.py" "$@"; }
pixels() { imgnorm "$1" | stream data 0 | tr -d '\n'; }
size() { imgnorm "$1" | tls | cut -f3; }
grey() { for v in "$@"; do printf '%s %s %s ' "$v" "$v" "$v"; done | sed 's/ $//'; }
expect_failure() { # STATUS TEXT COMMAND...
    status=0
    "${@:3}" >out 2>err || status=$?
    cat err
    [ "$status" = "$1" ] && grep -qF -- "$2" err
}
# What the terminal shows: ▀ as its two colours, escape sequences that move shown as <A5> and <J>; one line each.
plain() { sed 's/\x1b\[38;2;\([0-9;]*\)m/(\1/g; s/\x1b\[48;2;\([0-9;]*\)m/|\1)/g; s/\x1b\[0m\x1b\[K//g; s/\x1b\[\([0-9]*\)\([AJ]\)/<\2\1>/g; s/\r//g'; }

@test "images stand in a grid, in their order, on white" {
    printf 'key=%s shape=1x2x3\n' a b c | stream make >in
    tview --gap 0 --columns 2 -o s.png in
    [ "$(size s.png)" = 2x4x3 ]
    [ "$(pixels s.png)" = "$(grey 0 0 1 1 2 2 255 255)" ]
    tview --columns 3 --gap 1 in >s.png
    [ "$(size s.png)" = 3x10x3 ]
    [ "$(pixels s.png)" = "$(grey 255 255 255 255 255 255 255 255 255 255 255 0 0 255 1 1 255 2 2 255 255 255 255 255 255 255 255 255 255 255)" ]
    cat in | tview --columns 3 --gap 1 | cmp - s.png
    tview -n 2 --gap 0 -o s.png --columns 2 in
    [ "$(pixels s.png)" = "$(grey 0 0 1 1)" ]
}

@test "a sheet is about square; the gap is 2" {
    seq 64 | sed 's/.*/key=& shape=8x8x3/' | stream make | tview -o s.png
    [ "$(size s.png)" = 82x82x3 ]
    seq 10 | sed 's/.*/key=& shape=20x10x1/' | stream make | tview -o s.png # 5 columns of 10, 2 rows of 20
    [ "$(size s.png)" = 46x62x3 ]
}

@test "different sizes: each in the middle of a cell as large as the largest" {
    printf 'key=%s shape=%s fill=7\n' a 3x3x3 b 1x1x1 | stream make | tview --gap 0 --columns 2 -o s.png
    [ "$(size s.png)" = 3x6x3 ]
    [ "$(pixels s.png)" = "$(grey 7 7 7 255 255 255 7 7 7 255 7 255 7 7 7 255 255 255)" ]
}

@test "grey, alpha and floats become what they mean" {
    make() { printf 'key=a shape=1x1x%s dtype=%s fill=%s\n' "$1" "$2" "$3" | stream make kind=images range="$4" | tview --gap 0 -o s.png; }
    make 1 u8 77 0:255
    [ "$(pixels s.png)" = "$(grey 77)" ]
    make 4 u8 51 0:255 # 51 at 20% on white
    [ "$(pixels s.png)" = "$(grey 214)" ]
    make 3 f32 0.5 0:1
    [ "$(pixels s.png)" = "$(grey 128)" ]
    make 3 f32 0 -1:1
    [ "$(pixels s.png)" = "$(grey 128)" ]
    make 3 f32 -7 -1:1
    [ "$(pixels s.png)" = "$(grey 0)" ]
    make 3 f32 nan 0:1
    [ "$(pixels s.png)" = "$(grey 0)" ]
    make 3 f32 inf -1:1
    [ "$(pixels s.png)" = "$(grey 255)" ]
    echo key=a shape=2x2 fill=5 | stream make | tview --gap 0 -o s.png
    [ "$(pixels s.png)" = "$(grey 5 5 5 5)" ]
}

@test "--scale: square pixels when larger, means when smaller" {
    printf 'key=%s shape=1x1x3 fill=%s\n' a 10 b 20 | stream make | tview --scale 2 --columns 2 --gap 0 -o s.png
    [ "$(pixels s.png)" = "$(grey 10 10 20 20 10 10 20 20)" ]
    tview --gap 0 --columns 2 -o two.png <(printf 'key=%s shape=2x1x3 fill=%s\n' a 10 b 20 | stream make)
    imgnorm two.png | tview --scale .5 --gap 0 -o s.png
    [ "$(pixels s.png)" = "$(grey 15)" ]
    expect_failure 1 'too large' tview --scale 100 -o s2.png <(echo key=a shape=400x400x3 | stream make)
    [ ! -e s2.png ]
}

@test "a sheet that would be huge is kept at half, then a quarter" {
    seq 5 | sed 's/.*/key=& shape=2000x2000x3/' | stream make | tview --gap 0 --columns 5 -o s.png
    [ "$(size s.png)" = 1000x5000x3 ]
}

@test "--boxes draws around the face, scaled with it; --labels writes below" {
    echo key=a label=real shape=60x60x3 face=10,20,40,50,.9 face=1,1 face=x,1,2,3 fill=0 | stream make >in
    tview --gap 0 -o plain.png in
    tview --gap 0 --boxes -o boxes.png in
    # pixel x,y of a sheet 60 wide
    at() { pixels "$1" | cut -d' ' -f$((($3 * $4 + $2) * 3 + 1))-$((($3 * $4 + $2) * 3 + 3)); }
    [ "$(at boxes.png 9 35 60)" = '64 255 64' ]
    [ "$(at boxes.png 40 35 60)" = '64 255 64' ]
    [ "$(at boxes.png 25 19 60)" = '64 255 64' ]
    [ "$(at boxes.png 25 50 60)" = '64 255 64' ]
    [ "$(at boxes.png 25 35 60)" = '0 0 0' ]
    [ "$(at boxes.png 8 35 60)" = '0 0 0' ]
    [ "$(at plain.png 9 35 60)" = '0 0 0' ]
    tview --gap 0 --boxes --scale 2 -o double.png in
    [ "$(at double.png 19 70 120)" = '64 255 64' ]
    [ "$(at double.png 80 70 120)" = '64 255 64' ]
    # .90 stands above the box: 0 and 9 have three pixels in the top row, the point none
    [ "$(for x in 10 11 12 13 14 15 16 17 18 19 20; do at boxes.png $x 13 60; done | grep -c '^64')" = 6 ]
    tview --gap 0 --labels -o labels.png in
    [ "$(size labels.png)" = 67x60x3 ]
    # R: ##. with the pixel right of it free
    [ "$(at labels.png 0 61 60) $(at labels.png 1 61 60) $(at labels.png 2 61 60)" = '0 0 0 0 0 0 255 255 255' ]
}

@test "--tty draws half blocks, two pixels a character" {
    printf 'key=%s shape=4x2x3 fill=%s\n' a 10 b 200 | stream make >in
    COLUMNS=20 LINES=10 tview --tty --gap 0 --columns 2 in | plain >out
    cat out
    diff out - <<'END'
(10;10;10|10;10;10)▀▀(200;200;200|200;200;200)▀▀
(10;10;10|10;10;10)▀▀(200;200;200|200;200;200)▀▀
END
    # an odd height: the last lower half is the terminal's own
    echo key=a shape=1x1x3 fill=9 | stream make | tview --tty --gap 0 | plain | diff - <(echo '(9;9;9▀')
    COLUMNS=20 LINES=10 tview --tty --gap 0 --columns 2 -o file in
    plain <file | cmp - out
}

@test "--tty fits the width and the height" {
    seq 200 | sed 's/.*/key=& shape=64x48x3/' | stream make >in
    for screen in '80 24' '200 50' '30 10' '7 60' '300 12'; do
        read -r COLUMNS LINES <<<"$screen"
        export COLUMNS LINES
        tview --tty -n 100 in | plain | sed 's/([0-9;]*//g; s/|[0-9;]*)//g' >out
        [ "$(wc -L <out)" -le "$COLUMNS" ]
        [ "$(wc -L <out)" -gt $((COLUMNS / 3)) ]
        # one image alone, too
        [ "$(tview --tty -n 1 in | wc -l)" -lt "$LINES" ]
    done
}

@test "--tty: a new step is drawn over the old one, and named" {
    { printf 'key=%s step=100 shape=8x8x3 fill=1\n' a b; printf 'key=%s step=200 shape=8x8x3 fill=2\n' a b; } | stream make |
        COLUMNS=40 LINES=20 tview --tty --gap 0 | plain >out
    cat out
    # four lines of blocks and the caption
    [ "$(sed -n 5p out)" = 'step 100' ]
    sed -n 6p out | grep -q '^<A5><J>(2;2;2|2;2;2)▀'
    [ "$(sed -n 10p out)" = 'step 200' ]
    [ "$(wc -l <out)" = 10 ]
    # more than fit: as many as can be made out
    for s in 1 2; do seq 64 | sed "s/.*/key=& step=$s shape=64x64x3/"; done | stream make | COLUMNS=80 LINES=24 tview --tty | plain >out
    grep -q '^step 1: [0-9]* of 64$' out
    [ "$(grep -c '<A' out)" = 1 ]
}

@test "--tty: without steps, what doesn't fit goes on below, and all of it is there" {
    seq 40 | sed 's/.*/key=& shape=16x16x3 fill=&/' | stream make | COLUMNS=40 LINES=20 tview --tty | plain >out
    ! grep -q '<A' out || false
    for n in $(seq 40); do grep -q "[(|]$n;$n;$n" out; done
}

@test "in a terminal, images are drawn as they come, before the stream ends" {
    python3 -c 'import pty; pty.openpty()' 2>/dev/null || skip "there is no pseudo-terminal to be had"
    printf 'key=%s step=1 shape=8x8x3 fill=1\n' a b | stream make >one
    printf 'key=%s step=2 shape=8x8x3 fill=2\n' a b | stream make >two
    cat >watch.py <<'END'
import fcntl, os, pty, select, struct, sys, termios
def read_until(fd, text, seen=b''):
    while text not in seen:
        assert select.select([fd], [], [], 20)[0], 'nothing came: %r' % seen
        seen += os.read(fd, 65536)
    return seen
into, out_of = os.pipe()
pid, screen = pty.fork()
if not pid:
    os.dup2(into, 0)
    os.close(out_of)
    os.execvp('tview', ['tview'])  # a terminal: --tty goes without saying
fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 60, 0, 0))
one, two = (open(n, 'rb').read() for n in ('one', 'two'))
os.write(out_of, one[:-64])  # without the end
read_until(screen, b'step 1')
os.write(out_of, one[-64:] + two[:-64])
seen = read_until(screen, b'step 2')
assert b'\x1b[7A' in seen or b'A\r\x1b[J' in seen, seen
os.write(out_of, two[-64:])
os.close(out_of)
os.close(into)
assert os.waitpid(pid, 0)[1] == 0
END
    python3 watch.py
}

@test "what isn't an image is named, nothing is written" {
    echo key=f shape=7 | stream make >vector
    expect_failure 3 'vector: record 0 (key f): u8 7 isn' tview -o s.png vector
    echo key=f shape=2x2x2 | stream make >two
    expect_failure 3 'u8 2x2x2 isn' tview -o s.png two
    echo key=f shape=2x2x3 dtype=i32 | stream make >int
    expect_failure 3 'i32 2x2x3 isn' tview -o s.png int
    echo key=f shape=0x2x3 | stream make >none
    expect_failure 3 "0x2x3 pixels can't be shown" tview -o s.png none
    echo key=f shape=2x2x3 dtype=f32 | stream make kind=images >unranged
    expect_failure 3 'needs range=' tview -o s.png unranged
    stream make </dev/null >empty
    expect_failure 1 'no images' tview -o s.png empty
    expect_failure 1 'no images' tview --tty empty
    head -c 300 two >short
    expect_failure 3 'short: ' tview -o s.png short
    expect_failure 2 --columns tview --columns 0 two
    [ ! -e s.png ]
    [ ! -s out ]
}

@test "a reader that goes away is no error; a full disk is" {
    set -o pipefail
    seq 50 | sed 's/.*/key=& shape=64x64x3/' | stream make >in
    tview in | head -c 10 >ten
    tview --tty in | head -c 10 >ten
    status=0
    tview in >/dev/full 2>err || status=$?
    [ $status = 1 ]
    grep -q 'No space left' err
}

@test "no image library is loaded: it starts at once" {
    # (libvips alone takes 30 to 60 ms)
    for p in tview tns2img; do ! ldd "$(command -v $p)" | grep vips || false; done
}
