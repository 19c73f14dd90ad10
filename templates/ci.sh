#!/usr/bin/env bash
# The steps of both pipelines (github/slipway.yml, gitlab/slipway.gitlab-ci.yml). Run it in the root of the project:
#   templates/ci.sh validate | build | scan IMAGE |
#                   preview STACK | drive STACK COMMAND… | operate STACK COMMAND SERVICE REASON | after CODE COMMAND…
# `build` writes SLIPWAY_IMAGE, and `drive` writes SLIPWAY_CODE, to $GITHUB_OUTPUT or (on GitLab) to slipway.env.
set -euo pipefail

: "${RECORD_BRANCH:=main}"      # the branch that holds the stack files of all jobs
: "${RECORD_SECONDS:=2}"        # seconds between two checks for a changed record, which is then pushed
: "${RECORD_LOOK_SECONDS:=10}"  # seconds between two fetches of the branch, for the edits of others
: "${RECORD_FOLDERS:=revisions}" # further folders of the record, as in delivery/stack_file/stack_file.py
: "${STACKS:=dev staging prod}"
: "${LOCK_TRIES:=20}"           # attempts while another driver holds the stack
: "${LOCK_SECONDS:=30}"         # seconds between two attempts
: "${STOP_SECONDS:=2}"          # the same for an abort or a rollback, which is urgent
: "${MODEL_TESTS:=.venv/bin/python -m pytest -q serving/tests}"
: "${SCAN:=trivy image --exit-code 1 --severity HIGH,CRITICAL --ignore-unfixed}" # or: grype --fail-on high
OUTPUT=${GITHUB_OUTPUT:-slipway.env}
export PYTHONUTF8=1 # names and reasons are UTF-8 in every locale
PATH=$PATH:$PWD # the command `slipway` is a script in the project's root
SCRATCH=$(mktemp -d) # deleted at the end, with everything that steps left in it
# Only this shell deletes it: a subshell that is killed right after its fork still has this trap.
trap '[ "$BASHPID" != "$$" ] || rm -rf "$SCRATCH"' EXIT

tell() { # LEVEL TEXT: print a line, which GitHub also shows on the page of the run
    if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::$1::$2"; else echo "$1: $2"; fi
}

validate() { # parse the stacks, and test the model's code; needs neither a cluster nor secrets
    # shellcheck disable=SC2086 -- a list of stacks
    .venv/bin/python templates/validate.py $STACKS
    bash -c "$MODEL_TESTS"
}

build() { # build and push the image once; every environment gets this digest
    local metadata
    metadata=$SCRATCH/metadata.json
    docker buildx build "$BUILD_CONTEXT" --target "$BUILD_TARGET" --tag "$IMAGE:$BUILD_TAG" --push --metadata-file "$metadata"
    echo "SLIPWAY_IMAGE=$IMAGE@$(.venv/bin/python -c \
        'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$metadata")" >>"$OUTPUT"
}

scan() { # IMAGE: run the scanner; it must exit with a code other than 0 if it finds something
    $SCAN "$1"
}

# The record of a stack is its stack file and the folders of $RECORD_FOLDERS. refs/slipway/STACK holds the last tree that this
# checkout and the branch had in common: the base of every merge. Commands are chained with && because `set -e` is off in
# a function whose exit code the caller tests: without &&, an index that could not be read would become an empty commit.

record_file() { # STACK: print the path of the stack file in the repository; follows a link
    local file
    file=$(readlink -f "Pulumi.$1.yaml") && echo "${file#"$(pwd -P)"/}"
}

state() { # STACK: print the tree of the record in this checkout
    local index tree folder
    index=$(mktemp -d "$SCRATCH/XXXXXX") || return 1
    export GIT_INDEX_FILE=$index/index
    # The stack file first: the files that it names were written before it, so they are complete by then.
    git update-index --add -- "$(record_file "$1")" || return 1
    for folder in $RECORD_FOLDERS; do
        [ ! -d "$folder" ] || find "$folder" -type f ! -name '.*' | git update-index --add --stdin || return 1
    done
    tree=$(git write-tree) || return 1
    rm -r "$index"
    echo "$tree"
}

agree() { # STACK TREE: store the tree that the checkout and the branch have in common from now on
    git update-ref "refs/slipway/$1" "$2"
}

take() { # STACK: fetch the record that the last driver left
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

bring() { # reads paths: copy these files from the branch into the checkout, each one atomically
    local path new
    while read -r path; do
        new=$(dirname "$path")/.new
        mkdir -p "$(dirname "$path")" && git cat-file --filters "FETCH_HEAD:$path" >"$new" && mv "$new" "$path" || return 1
    done
}

merge_by_key() { # STACK FILE BASE THEIRS (blobs): merge theirs into the checkout's file with slipway; 2 = impossible
    local folder code=0
    [ -f delivery/__main__.py ] && folder=$(mktemp -d "$SCRATCH/XXXXXX") || return 2 # not a project: `slipway` is another program
    git cat-file --filters --path="$2" "$3" >"$folder/base" && git cat-file --filters --path="$2" "$4" >"$folder/theirs" || return 2
    slipway merge-record "$folder/base" "Pulumi.$1.yaml" "$folder/theirs" || code=$?
    rm -r "$folder"
    [ "$code" -le 1 ] || return 2 # 1: both changed one value; the file has theirs, so the driver stops
}

merge_by_line() { # BASE OURS THEIRS (blobs): print the merged blob. An empty line after each line keeps neighboring changes
    local folder       # apart, so that they do not collide. Lines that both sides add at one place are all kept.
    folder=$(mktemp -d "$SCRATCH/XXXXXX") || return 1
    git cat-file blob "$1" | sed G >"$folder/base" && git cat-file blob "$2" | sed G >"$folder/ours" &&
        git cat-file blob "$3" | sed G >"$folder/theirs" &&
        { git merge-file -qp --diff3 "$folder/ours" "$folder/base" "$folder/theirs" || true; } |
        awk '/^\|\|\|\|\|\|\|/ { base = 1; next } /^=======$/ { base = 0 } base && NF { exit 1 }' &&
        git merge-file -q --union "$folder/ours" "$folder/base" "$folder/theirs" || return 1
    sed 'n;d' "$folder/ours" | git hash-object -w --stdin
    rm -r "$folder"
}

merged() { # STACK: print "TREE BLOB": the checkout's record, and the merged stack file for the branch; 3 = a conflict
    local file base ours theirs
    file=$(record_file "$1") && ours=$(state "$1") && base=$(git rev-parse -q --verify "refs/slipway/$1:$file") || return 1
    theirs=$(git ls-tree FETCH_HEAD -- "$file" | awk '{ print $3 }') || return 1
    if [ -z "$theirs" ] || [ "$theirs" = "$base" ] || [ "$theirs" = "$(git rev-parse "$ours:$file")" ]; then
        echo "$ours $(git rev-parse "$ours:$file")"
    elif merge_by_key "$1" "$file" "$base" "$theirs" >&2; then
        # shellcheck disable=SC2086 -- a list of folders. Only new files: those that the driver deleted are in the base
        git diff-tree -r --diff-filter=A --name-only "refs/slipway/$1" FETCH_HEAD -- $RECORD_FOLDERS | bring || return 1
        ours=$(state "$1") && agree "$1" "$(with_file "refs/slipway/$1" "$file" "$theirs")" && echo "$ours $(git rev-parse "$ours:$file")"
    else
        theirs=$(merge_by_line "$base" "$(git rev-parse "$ours:$file")" "$theirs") || return 3
        echo "$ours $theirs"
    fi
}

with_file() { # TREE FILE BLOB: print the tree with the content of one file replaced
    local index mode tree
    index=$(mktemp -d "$SCRATCH/XXXXXX") && mode=$(git ls-tree "$1" -- "$2" | cut -d ' ' -f 1) || return 1
    export GIT_INDEX_FILE=$index/index
    git read-tree "$1" && git update-index --add --cacheinfo "${mode:-100644},$3,$2" && tree=$(git write-tree) || return 1
    rm -r "$index"
    echo "$tree"
}

with_folders() { # TREE OLD NEW: print the tree with the changes of the record's folders from OLD to NEW applied
    local index tree mode blob kind path code
    index=$(mktemp -d "$SCRATCH/XXXXXX") || return 1
    export GIT_INDEX_FILE=$index/index
    # shellcheck disable=SC2086 -- a list of folders
    git read-tree "$1" && git diff-tree -r "$2" "$3" -- $RECORD_FOLDERS >"$index/changes" || return 1
    while read -r _ mode _ blob kind path; do
        if [ "$kind" != D ]; then
            git update-index --add --cacheinfo "$mode,$blob,$path" || return 1
        else # deleted; keep the file if another stack names it
            code=0
            git grep -qF "$(basename "${path%.*}")" "$1" -- 'Pulumi.*.yaml' || code=$?
            [ "$code" = 0 ] || { [ "$code" = 1 ] && git update-index --force-remove "$path"; } || return 1
        fi
    done <"$index/changes"
    tree=$(git write-tree) || return 1
    rm -r "$index"
    echo "$tree"
}

recorded() { # STACK: print "TREE COMMIT", a commit with the record on top of its branch; no COMMIT if the branch has it
    local both tree head commit=""
    git fetch -q --depth=1 origin "$RECORD_BRANCH" && both=$(merged "$1") || return
    tree=$(with_file FETCH_HEAD "$(record_file "$1")" "${both#* }") &&
        tree=$(with_folders "$tree" "refs/slipway/$1" "${both% *}") && head=$(git rev-parse 'FETCH_HEAD^{tree}') || return 1
    [ "$tree" = "$head" ] || commit=$(git -c user.name=slipway -c user.email=slipway@invalid \
        commit-tree "$tree" -p FETCH_HEAD -m "Release record of $1 [skip ci]") || return 1
    echo "${both% *} $commit"
}

record() { # STACK: merge the record into its branch and push it; 3 = a conflict
    local both commit try code
    for try in 1 2 3 4 5; do # retries, because others may push in between; never forces
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

keep_recorded() { # STACK DRIVER: push each change while the driver works, so that the record survives a lost runner
    local looked=0 code nap=""
    # End at once if asleep, else after the current command: an orphaned git would hold the lock that the last push needs.
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
            [ "$code" != 3 ] || { kill -TERM "$2" || true; return; } # as ^C: the release stays at its stage
        fi
    done
}

preview() { # STACK
    take "$1"
    pulumi preview --stack "$1" --non-interactive
}

drive() { # STACK COMMAND…: run slipway, push the record, and translate the exit code for the job
    local stack=$1 code try
    shift
    take "$stack" # here, because keep_recorded must not start from a record that has changed
    for try in $(seq "$LOCK_TRIES"); do
        driven "$stack" "$@" && code=0 || code=$?
        [ "$code" = 6 ] && [ "$try" -lt "$LOCK_TRIES" ] || break
        tell notice "$stack is busy; trying again in $LOCK_SECONDS s"
        sleep "$LOCK_SECONDS"
        record "$stack" || true # fetch what the other driver has recorded
    done
    record "$stack" || [ "$code" != 0 ] || code=1
    echo "SLIPWAY_CODE=$code" >>"$OUTPUT"
    verdict "$stack" "$code"
}

driven() { # STACK COMMAND…: run slipway and keep_recorded side by side; canceling the job stops slipway as ^C does
    local stack=$1 code=0 driver keeper stopped=""
    shift
    slipway "$@" --json &
    driver=$!
    trap 'stopped=1; kill -TERM "$driver" 2>/dev/null || true' TERM INT
    keep_recorded "$stack" "$driver" &
    keeper=$!
    wait "$driver" || code=$?
    while [ -n "$stopped" ]; do # the signal ended `wait`, but not the driver
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
    3) tell error "$1 rolled back: the new version failed its gate and is held ($page#rolled-back)" ;;
    4) tell error "$1 went back without a verdict: nothing is known about the new version ($page#inconclusive)" ;;
    5)
        tell notice "$1 waits for a person; nothing is wrong ($page#waiting)"
        [ -n "${GITLAB_CI:-}" ] || return 0 # GitLab shows the allowed code 5 in orange
        ;;
    6) tell error "$1 is held by another driver ($page#busy)" ;;
    *) tell error "slipway exited with $2; the line above says why ($page)" ;;
    esac
    return "$2"
}

operate() { # STACK COMMAND SERVICE REASON: run one command by hand
    case $2 in
    abort | rollback) LOCK_SECONDS=$STOP_SECONDS drive "$1" "$2" "$1" "$3" --reason "${4:?$2 needs a reason}" ;;
    approve) drive "$1" "$2" "$1" "$3" --reason "${4:?$2 needs a reason}" ;;
    *) drive "$1" "$2" "$1" "$3" ;;
    esac
}

after() { # CODE COMMAND…: run COMMAND unless the previous stack waits; GitLab cannot skip a job by another job's result
    if [ "$1" = 5 ]; then
        tell notice "the previous stack waits for a person; start this job again after its promotion"
        return 5
    fi
    shift
    "$@"
}

lost() { # CODE COMMAND…: run COMMAND if the driver left no exit code, because its runner was lost
    [ -z "$1" ] || { echo "slipway exited with $1: there is nothing to continue"; return 0; }
    shift
    "$@"
}

"$@"
