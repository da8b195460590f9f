#!/bin/sh
# Pushes a committed folder as a branch of its own, in which the folder's files are at the top: a commit for each state.
#
#   ci/push-module.sh FOLDER BRANCH [REMOTE]
#
# The branch is made by its first push. If the folder is as the branch has it, nothing is pushed.
set -eu
folder=${1%/} branch=$2 remote=${3:-origin}

tree=$(git rev-parse --verify "HEAD:./$folder")
if git fetch --quiet "$remote" "refs/heads/$branch" 2>/dev/null; then
    parent=$(git rev-parse FETCH_HEAD)
    if [ "$(git rev-parse "$parent^{tree}")" = "$tree" ]; then
        echo "$branch is up to date"
        exit
    fi
    set -- -p "$parent"
else
    set --
fi
commit=$(git commit-tree "$tree" "$@" -m "Registry as of $(git rev-parse --short HEAD)")
git push --quiet "$remote" "$commit:refs/heads/$branch"
echo "pushed $folder to $branch"
