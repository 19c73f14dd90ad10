#!/usr/bin/env bash
# The steps of both pipelines (github/slipway.yml, gitlab/slipway.gitlab-ci.yml). Run in the root of the project:
#   templates/ci.sh validate | build | scan IMAGE |
#                   preview STACK | drive STACK COMMAND… | operate STACK COMMAND SERVICE REASON | after CODE COMMAND…
# What is written to $GITHUB_OUTPUT, or to slipway.env on GitLab: SLIPWAY_IMAGE (build), SLIPWAY_CODE (drive).
set -euo pipefail

: "${RECORD_BRANCH:=main}"      # where the stack files live: one branch, for a stack has one truth
: "${RECORD_SECONDS:=2}"        # how often a changed record is pushed while a release runs
: "${STACKS:=dev staging prod}"
: "${LOCK_TRIES:=20}"           # how often a locked stack is tried again …
: "${LOCK_SECONDS:=30}"         # … and after how long
: "${MODEL_TESTS:=.venv/bin/python -m pytest -q serving/tests}"
: "${SCAN:=trivy image --exit-code 1 --severity HIGH,CRITICAL --ignore-unfixed}" # or: grype --fail-on high
OUTPUT=${GITHUB_OUTPUT:-slipway.env}
PATH=$PATH:$PWD # the command `slipway` is a script in the project's root

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
    metadata=$(mktemp)
    docker buildx build "$BUILD_CONTEXT" --target "$BUILD_TARGET" --tag "$IMAGE:$BUILD_TAG" --push --metadata-file "$metadata"
    echo "SLIPWAY_IMAGE=$IMAGE@$(.venv/bin/python -c \
        'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$metadata")" >>"$OUTPUT"
}

scan() { # IMAGE: the scanner of $SCAN ends with another code than 0 when it found something
    $SCAN "$1"
}

take() { # STACK: the stack file as the last driver left it
    git fetch -q --depth=1 origin "$RECORD_BRANCH"
    git cat-file -e "FETCH_HEAD:Pulumi.$1.yaml" 2>/dev/null || return 0
    git show "FETCH_HEAD:Pulumi.$1.yaml" >"Pulumi.$1.yaml"
}

recorded() { # STACK BLOB: prints the commit that puts it on top of the branch of the records; none where it is there already
    local file=Pulumi.$1.yaml index tree
    git fetch -q --depth=1 origin "$RECORD_BRANCH" || return 1
    [ "$2" != "$(git rev-parse -q --verify "FETCH_HEAD:$file")" ] || return 0
    index=$(mktemp -d) || return 1
    export GIT_INDEX_FILE=$index/index
    # Each on its own, for `set -e` is off where a caller asks how it ended: an index that was not read is an empty commit.
    git read-tree FETCH_HEAD && git update-index --add --cacheinfo "100644,$2,$file" && tree=$(git write-tree) || return 1
    rm -r "$index"
    git -c user.name=slipway -c user.email=slipway@invalid commit-tree "$tree" -p FETCH_HEAD -m "Release record of $1 [skip ci]"
}

record() { # STACK: push the stack file, and nothing else, to the branch of the records
    local file=Pulumi.$1.yaml blob commit try
    for try in 1 2 3 4 5; do # another stack's driver may push in between
        if blob=$(git hash-object -w "$file") && commit=$(recorded "$1" "$blob"); then
            [ -n "$commit" ] || return 0
            ! git push -q origin "$commit:refs/heads/$RECORD_BRANCH" || return 0
        fi
        sleep "$try"
    done
    tell error "Pulumi.$1.yaml could not be pushed to $RECORD_BRANCH: the record of this release is only in this job"
    return 1
}

keep_recorded() { # STACK HASH: push each change from HASH on while the driver works, so that a lost runner leaves the record behind
    local last=$2 now
    trap 'exit 0' TERM # when the command at hand is over: a git left behind would hold the lock that the last record needs
    while sleep "$RECORD_SECONDS"; do
        now=$(git hash-object "Pulumi.$1.yaml" 2>/dev/null || echo "$last")
        [ "$now" = "$last" ] || { record "$1" && last=$now; } || true
    done
}

preview() { # STACK
    take "$1"
    pulumi preview --stack "$1" --non-interactive
}

drive() { # STACK COMMAND…: run slipway, keep the record, and turn its exit code into the job's
    local stack=$1 before code try keeper
    shift
    take "$stack"
    before=$(git hash-object "Pulumi.$stack.yaml") # here: a keeper that starts late would take a change for the beginning
    keep_recorded "$stack" "$before" &
    keeper=$!
    for try in $(seq "$LOCK_TRIES"); do
        code=0
        slipway "$@" --json || code=$?
        [ "$code" = 6 ] && [ "$try" -lt "$LOCK_TRIES" ] || break
        tell notice "$stack is busy; trying again in $LOCK_SECONDS s"
        sleep "$LOCK_SECONDS"
    done
    kill "$keeper"
    wait "$keeper" || true
    record "$stack" || [ "$code" != 0 ] || code=1
    echo "SLIPWAY_CODE=$code" >>"$OUTPUT"
    verdict "$stack" "$code"
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
    abort | rollback | approve) drive "$1" "$2" "$1" "$3" --reason "${4:?$2 needs a reason}" ;;
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
