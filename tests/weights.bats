#!/usr/bin/env bats
# make weights: files that are fetched, are wrong, can't be fetched or are put there by hand. Addresses are of files here: no test uses the network.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    PATH="$top/bin:$PATH"
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$BATS_TEST_TMPDIR" || exit
    w=$PWD/w
    cp "$top/tests/golden/onnx/detector-16.onnx" there.onnx
    sum=$(sha256sum <there.onnx | cut -d' ' -f1)
    onnx=yolov8n-face-${sum:0:8}.onnx
}

# weights ARGUMENT...: of faces, as there is a small network for these; nothing is at the other addresses
weights() {
    make -C "$top/pipelines" WEIGHTS="$w" INCEPTION_URL="file://$PWD/none.pth" RESNET_URL="file://$PWD/none-too.pth" FACE_URL="file://$PWD/there.onnx" FACE_SHA256="$sum" "$@"
}

@test "fetched, checked, made into a model; then there is nothing to do, with the file or without it" {
    weights "$w/yolov8n-face.tns" >out 2>&1
    grep -q "FETCH file://$PWD/there.onnx" out
    cmp there.onnx "w/$onnx"
    onnx2tns --range 0:1 there.onnx | cmp - w/yolov8n-face.tns
    weights "$w/yolov8n-face.tns" >out
    grep -q 'up to date' out
    # The study uses it, and doesn't come back for its source.
    rm "w/$onnx"
    weights -n SCALE=smoke OUT="$PWD/o" table2 >out
    grep -q "faceyolo -m $w/yolov8n-face.tns" out && [ "$(grep -c FETCH out)" = 0 ]
    weights "$w/yolov8n-face.tns" >out
    [ ! -e "w/$onnx" ]
}

@test "put there by hand, under the name that was asked for" {
    mkdir w
    cp there.onnx "w/$onnx"
    weights FACE_URL=file:///none "$w/yolov8n-face.tns" >out
    tcheck w/yolov8n-face.tns && [ "$(grep -c FETCH out)" = 0 ]
}

@test "another file than the official one is set aside, named, and no model made of it" {
    echo other >there.onnx
    run weights "$w/yolov8n-face.tns"
    [ "$status" != 0 ] && [[ $output = *"$w/$onnx isn't the official file: its SHA-256 is $(sha256sum <there.onnx | cut -d' ' -f1) and should begin with $sum; it is now $w/$onnx.wrong"* ]]
    [ "$(ls w)" = "$onnx.wrong" ]
    # One that is right is then taken.
    cp "$top/tests/golden/onnx/detector-16.onnx" there.onnx
    weights "$w/yolov8n-face.tns" >out
    tcheck w/yolov8n-face.tns
    # A short hash holds, too, and a model isn't made of what came later in its place.
    echo other >"w/$onnx"
    touch -d tomorrow "w/$onnx"
    run weights "$w/yolov8n-face.tns"
    [ "$status" != 0 ]
    tcheck w/yolov8n-face.tns
}

@test "without a network every file is named that is missing, with its address and its place" {
    run weights FACE_URL="file://$PWD/none.onnx" weights
    [ "$status" != 0 ]
    [[ $output = *"    file://$PWD/none.pth"*"    $w/pt_inception-2015-12-05-6726825d.pth"* ]]
    [[ $output = *"    file://$PWD/none-too.pth"*"    $w/resnet50-0676ba61.pth"* ]]
    [[ $output = *"    file://$PWD/none.onnx"*"    $w/$onnx"* ]]
    [ -z "$(ls w)" ]
    # An address where something is, but not the file: an answer other than 200 is no file.
    run weights FACE_URL="http://127.0.0.1:1/x.onnx" "$w/yolov8n-face.tns"
    [ "$status" != 0 ] && [ -z "$(ls w)" ]
    # Without curl, too.
    mkdir bin && for c in bash make mkdir rm printf uname seq dirname basename tr cut sed head sha256sum find sort cat; do ln -s "$(command -v $c)" bin/; done
    PATH=$PWD/bin run weights "$w/resnet50.tns"
    [ "$status" != 0 ] && [[ $output = *"    $w/resnet50-0676ba61.pth"* ]]
}

@test "the official files are held against the hashes that were published" {
    make -C "$top/pipelines" -n WEIGHTS="$w" weights >out
    grep -q "hash.sh 6726825d $w/pt_inception-2015-12-05-6726825d.pth" out && grep -q "hash.sh 0676ba61 $w/resnet50-0676ba61.pth" out
    grep -q "hash.sh 3ebbeaddfe4fc51a9ab119a4c67cc6193b559b07a8104d029ba0e146fcaa2ad4 $w/yolov8n-face-3ebbeadd.onnx" out
}
