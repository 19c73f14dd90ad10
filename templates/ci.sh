#!/usr/bin/env bash
# The steps of both pipelines (github/slipway.yml, gitlab/slipway.gitlab-ci.yml). Run in the root of the project:
#   templates/ci.sh validate | build | scan IMAGE |
#                   preview STACK | drive STACK COMMAND… | operate STACK COMMAND SERVICE REASON | after CODE COMMAND…
# What is written to $GITHUB_OUTPUT, or to slipway.env on GitLab: SLIPWAY_IMAGE (build), SLIPWAY_CODE (drive).
set -euo pipefail

: "${RECORD_BRANCH:=main}"      # where the stack files live: one branch, for a stack has one truth
: "${RECORD_SECONDS:=2}"        # how often a changed record is pushed while a release runs
: "${RECORD_LOOK_SECONDS:=10}"  # how often that branch is looked at for somebody else's edits meanwhile
: "${RECORD_FOLDERS:=revisions}" # what else belongs to the record: RECORD_FOLDERS of delivery/stack_file/stack_file.py
: "${STACKS:=dev staging prod}"
: "${LOCK_TRIES:=20}"           # how often a locked stack is tried again …
: "${LOCK_SECONDS:=30}"         # … and after how long
: "${STOP_SECONDS:=2}"          # … an abort or a rollback, which has no time
: "${MODEL_TESTS:=.venv/bin/python -m pytest -q serving/tests}"
: "${SCAN:=trivy image --exit-code 1 --severity HIGH,CRITICAL --ignore-unfixed}" # or: grype --fail-on high
OUTPUT=${GITHUB_OUTPUT:-slipway.env}
export PYTHONUTF8=1 # names and reasons are UTF-8, whatever the runner's locale
PATH=$PATH:$PWD # the command `slipway` is a script in the project's root
SCRATCH=$(mktemp -d) # goes at the end, whatever a step left there
# Only this shell removes it: a subshell that is killed right after its fork still has this trap.
trap '[ "$BASHPID" != "$$" ] || rm -rf "$SCRATCH"' EXIT

tell() { # LEVEL TEXT: a line that GitHub also shows on the run's page
    if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::$1::$2"; else echo "$1: $2"; fi
}

validate() { # parse what will be deployed, and test the model's code; needs neither cluster nor secrets
    # shellcheck disable=SC2086 -- a list of stacks
    .venv/bin/python templates/validate.py $STACKS
    bash -c "$MODEL_TESTS"
}

build() { # build and push once; every environment gets this digest
    local metadata
    metadata=$SCRATCH/metadata.json
    docker buildx build "$BUILD_CONTEXT" --target "$BUILD_TARGET" --tag "$IMAGE:$BUILD_TAG" --push --metadata-file "$metadata"
    echo "SLIPWAY_IMAGE=$IMAGE@$(.venv/bin/python -c \
        'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$metadata")" >>"$OUTPUT"
}

scan() { # IMAGE: the scanner of $SCAN ends with another code than 0 when it found something
    $SCAN "$1"
}

# The record of a stack is its stack file and the folders of $RECORD_FOLDERS. refs/slipway/STACK keeps the tree of what this
# checkout and the branch had in common last: the base of every merge. Of each chain of && the reason is that `set -e` is
# off where a caller asks how it ended: an index that was not read is an empty commit.

record_file() { # STACK: where git keeps the stack file; a link is followed
    local file
    file=$(readlink -f "Pulumi.$1.yaml") && echo "${file#"$(pwd -P)"/}"
}

state() { # STACK: prints the tree of the record as this checkout has it
    local index tree folder
    index=$(mktemp -d "$SCRATCH/XXXXXX") || return 1
    export GIT_INDEX_FILE=$index/index
    # The stack file first: what it refers to was written before it, and is found after it.
    git update-index --add -- "$(record_file "$1")" || return 1
    for folder in $RECORD_FOLDERS; do
        [ ! -d "$folder" ] || find "$folder" -type f ! -name '.*' | git update-index --add --stdin || return 1
    done
    tree=$(git write-tree) || return 1
    rm -r "$index"
    echo "$tree"
}

agree() { # STACK TREE: from now on this is what checkout and branch have in common
    git update-ref "refs/slipway/$1" "$2"
}

take() { # STACK: the record as the last driver left it
    local file
    git fetch -q --depth=1 origin "$RECORD_BRANCH"
    file=$(record_file "$1")
    if git cat-file -e "FETCH_HEAD:$file" 2>/dev/null; then
        git cat-file --filters "FETCH_HEAD:$file" >"$file"
        # shellcheck disable=SC2086 -- a list of folders
        git ls-tree -r --name-only FETCH_HEAD -- $RECORD_FOLDERS | bring
    fi
    agree "$1" "$(state "$1")"
}

bring() { # reads paths: writes what the branch has there into the checkout, each file whole or not at all
    local path new
    while read -r path; do
        new=$(dirname "$path")/.new
        mkdir -p "$(dirname "$path")" && git cat-file --filters "FETCH_HEAD:$path" >"$new" && mv "$new" "$path" || return 1
    done
}

merge_by_key() { # STACK FILE BASE THEIRS (blobs): bring theirs into the checkout's file, as slipway merges records; 2 = impossible
    local folder code=0
    [ -f delivery/__main__.py ] && folder=$(mktemp -d "$SCRATCH/XXXXXX") || return 2 # no project: `slipway` is somebody else's
    git cat-file --filters --path="$2" "$3" >"$folder/base" && git cat-file --filters --path="$2" "$4" >"$folder/theirs" || return 2
    slipway merge-record "$folder/base" "Pulumi.$1.yaml" "$folder/theirs" || code=$?
    rm -r "$folder"
    [ "$code" -le 1 ] || return 2 # 1: both changed the same; theirs stands in the file, where the driver sees it and stops
}

merge_by_line() { # BASE OURS THEIRS (blobs): prints the merged blob. Changes of neighboring lines do not collide, nor new lines
    local folder       # of both at one place: an empty line after each keeps them apart, and of new lines both stay
    folder=$(mktemp -d "$SCRATCH/XXXXXX") || return 1
    git cat-file blob "$1" | sed G >"$folder/base" && git cat-file blob "$2" | sed G >"$folder/ours" &&
        git cat-file blob "$3" | sed G >"$folder/theirs" &&
        { git merge-file -qp --diff3 "$folder/ours" "$folder/base" "$folder/theirs" || true; } |
        awk '/^\|\|\|\|\|\|\|/ { base = 1; next } /^=======$/ { base = 0 } base && NF { exit 1 }' &&
        git merge-file -q --union "$folder/ours" "$folder/base" "$folder/theirs" || return 1
    sed 'n;d' "$folder/ours" | git hash-object -w --stdin
    rm -r "$folder"
}

merged() { # STACK: prints "TREE BLOB": the checkout's record, and the stack file that the branch is to get; 3 = a conflict
    local file base ours theirs
    file=$(record_file "$1") && ours=$(state "$1") && base=$(git rev-parse -q --verify "refs/slipway/$1:$file") || return 1
    theirs=$(git ls-tree FETCH_HEAD -- "$file" | awk '{ print $3 }') || return 1
    if [ -z "$theirs" ] || [ "$theirs" = "$base" ] || [ "$theirs" = "$(git rev-parse "$ours:$file")" ]; then
        echo "$ours $(git rev-parse "$ours:$file")"
    elif merge_by_key "$1" "$file" "$base" "$theirs" >&2; then
        # shellcheck disable=SC2086 -- a list of folders; what the driver deleted is in the base, and does not come back
        git diff-tree -r --diff-filter=A --name-only "refs/slipway/$1" FETCH_HEAD -- $RECORD_FOLDERS | bring || return 1
        ours=$(state "$1") && agree "$1" "$(with_file "refs/slipway/$1" "$file" "$theirs")" && echo "$ours $(git rev-parse "$ours:$file")"
    else
        theirs=$(merge_by_line "$base" "$(git rev-parse "$ours:$file")" "$theirs") || return 3
        echo "$ours $theirs"
    fi
}

with_file() { # TREE FILE BLOB: prints the tree with another content of one file
    local index mode tree
    index=$(mktemp -d "$SCRATCH/XXXXXX") && mode=$(git ls-tree "$1" -- "$2" | cut -d ' ' -f 1) || return 1
    export GIT_INDEX_FILE=$index/index
    git read-tree "$1" && git update-index --add --cacheinfo "${mode:-100644},$3,$2" && tree=$(git write-tree) || return 1
    rm -r "$index"
    echo "$tree"
}

with_folders() { # TREE OLD NEW: prints the tree with what changed in the record's folders from OLD to NEW
    local index tree mode blob kind path code
    index=$(mktemp -d "$SCRATCH/XXXXXX") || return 1
    export GIT_INDEX_FILE=$index/index
    # shellcheck disable=SC2086 -- a list of folders
    git read-tree "$1" && git diff-tree -r "$2" "$3" -- $RECORD_FOLDERS >"$index/changes" || return 1
    while read -r _ mode _ blob kind path; do
        if [ "$kind" != D ]; then
            git update-index --add --cacheinfo "$mode,$blob,$path" || return 1
        else # another stack may have come to need it
            code=0
            git grep -qF "$(basename "${path%.*}")" "$1" -- 'Pulumi.*.yaml' || code=$?
            [ "$code" = 0 ] || { [ "$code" = 1 ] && git update-index --force-remove "$path"; } || return 1
        fi
    done <"$index/changes"
    tree=$(git write-tree) || return 1
    rm -r "$index"
    echo "$tree"
}

recorded() { # STACK: prints "TREE COMMIT", the commit that puts the record on top of its branch; none where it is there already
    local both tree head commit=""
    git fetch -q --depth=1 origin "$RECORD_BRANCH" && both=$(merged "$1") || return
    tree=$(with_file FETCH_HEAD "$(record_file "$1")" "${both#* }") &&
        tree=$(with_folders "$tree" "refs/slipway/$1" "${both% *}") && head=$(git rev-parse 'FETCH_HEAD^{tree}') || return 1
    [ "$tree" = "$head" ] || commit=$(git -c user.name=slipway -c user.email=slipway@invalid \
        commit-tree "$tree" -p FETCH_HEAD -m "Release record of $1 [skip ci]") || return 1
    echo "${both% *} $commit"
}

record() { # STACK: merge the record into its branch, whatever else came there meanwhile, and push it; 3 = a conflict
    local both commit try code
    for try in 1 2 3 4 5; do # another stack's driver, or a person, may push in between; nothing is ever forced
        code=0
        both=$(recorded "$1") || code=$?
        commit=${both#* }
        [ "$code" != 0 ] || [ -z "$commit" ] || git push -q origin "$commit:refs/heads/$RECORD_BRANCH" || code=1
        [ "$code" != 0 ] || ! agree "$1" "${both% *}" || return 0
        if [ "$code" = 3 ]; then
            tell error "Pulumi.$1.yaml: this release and $RECORD_BRANCH changed the same lines; merge them by hand, nothing was overwritten"
            return 3
        fi
        sleep "$try"
    done
    tell error "Pulumi.$1.yaml could not be pushed to $RECORD_BRANCH: the record of this release is only in this job"
    return 1
}

keep_recorded() { # STACK DRIVER: push each change while the driver works, so that a lost runner leaves the record behind
    local looked=0 code nap=""
    # Asleep at once, else when the command at hand is over: a git left behind would hold the lock that the last record needs.
    trap '[ -z "$nap" ] || kill "$nap" 2>/dev/null; exit 0' TERM
    while true; do
        sleep "$RECORD_SECONDS" >/dev/null 2>&1 &
        nap=$!
        wait "$nap"
        nap=""
        if [ $((SECONDS - looked)) -ge "$RECORD_LOOK_SECONDS" ] || [ "$(state "$1")" != "$(git rev-parse "refs/slipway/$1")" ]; then
            code=0
            record "$1" || code=$?
            looked=$SECONDS
            [ "$code" != 3 ] || { kill -TERM "$2" || true; return; } # as ^C: it ends where it is
        fi
    done
}

preview() { # STACK
    take "$1"
    pulumi preview --stack "$1" --non-interactive
}

drive() { # STACK COMMAND…: run slipway, keep the record, and turn its exit code into the job's
    local stack=$1 code try
    shift
    take "$stack" # here: a keeper that starts late would take a change for the beginning
    for try in $(seq "$LOCK_TRIES"); do
        driven "$stack" "$@" && code=0 || code=$?
        [ "$code" = 6 ] && [ "$try" -lt "$LOCK_TRIES" ] || break
        tell notice "$stack is busy; trying again in $LOCK_SECONDS s"
        sleep "$LOCK_SECONDS"
        record "$stack" || true # whoever works on it has moved its record
    done
    record "$stack" || [ "$code" != 0 ] || code=1
    echo "SLIPWAY_CODE=$code" >>"$OUTPUT"
    verdict "$stack" "$code"
}

driven() { # STACK COMMAND…: run slipway with the keeper of its record beside it; a job that is cancelled stops it as ^C does
    local stack=$1 code=0 driver keeper stopped=""
    shift
    slipway "$@" --json &
    driver=$!
    trap 'stopped=1; kill -TERM "$driver" 2>/dev/null || true' TERM INT
    keep_recorded "$stack" "$driver" &
    keeper=$!
    wait "$driver" || code=$?
    while [ -n "$stopped" ]; do # the signal has ended the wait, and not the driver
        stopped=""
        code=0
        wait "$driver" || code=$?
    done
    trap - TERM INT
    kill "$keeper" 2>/dev/null || true
    wait "$keeper" || true
    return "$code"
}

verdict() { # STACK CODE
    local page=docs/runbook-releases.md
    case $2 in
    0) return 0 ;;
    3) tell error "$1 rolled back: the new version failed its gate, and is held ($page#rolled-back)" ;;
    4) tell error "$1 went back without a verdict: nothing is known about the new version ($page#inconclusive)" ;;
    5)
        tell notice "$1 waits for a person; nothing is wrong ($page#waiting)"
        [ -n "${GITLAB_CI:-}" ] || return 0 # GitLab shows the allowed code 5 in orange
        ;;
    6) tell error "$1 is driven by somebody else ($page#busy)" ;;
    *) tell error "slipway ended with $2; its line above says why ($page)" ;;
    esac
    return "$2"
}

operate() { # STACK COMMAND SERVICE REASON: one command by hand
    case $2 in
    abort | rollback) LOCK_SECONDS=$STOP_SECONDS drive "$1" "$2" "$1" "$3" --reason "${4:?$2 needs a reason}" ;;
    approve) drive "$1" "$2" "$1" "$3" --reason "${4:?$2 needs a reason}" ;;
    *) drive "$1" "$2" "$1" "$3" ;;
    esac
}

after() { # CODE COMMAND…: go on only where the stack before is done; GitLab cannot skip a job by another's result
    if [ "$1" = 5 ]; then
        tell notice "the stack before waits for a person; start this job again when it is promoted"
        return 5
    fi
    shift
    "$@"
}

lost() { # CODE COMMAND…: carry on where a driver ended without an exit code
    [ -z "$1" ] || { echo "slipway ended with $1: there is nothing to carry on"; return 0; }
    shift
    "$@"
}

"$@"
