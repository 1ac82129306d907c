#!/bin/sh
# Print the state of Slurm job $1: `running` (also pending), `success` or `failed`.
#
# Snakemake queries one job at a time. This script queries Slurm for all of the user's jobs at once, at most every 2 seconds,
# and stores the answer in a file for the next queries.
job=${1%%;*} # sbatch appends the cluster's name if there are several clusters
known=.snakemake/slurm-jobs

{
    flock 9
    age=$(($(date +%s) - $(stat -c %Y "$known" 2>/dev/null || echo 0)))
    if [ "$age" -ge 2 ]; then
        # if the controller does not answer, the last known states remain
        squeue --noheader --states=all --user="$(id -un)" --format="%i %T" >"$known.new" 2>/dev/null &&
            mv "$known.new" "$known" || touch "$known"
    fi
    state=$(sed -n "s/^$job //p" "$known")
} 9>"$known.lock"

if [ -z "$state" ]; then # a new job, or an old one that only the accounting database may know
    state=$(LC_ALL=C scontrol --oneliner show job "$job" 2>&1 | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p; /Invalid job id/s/.*/FORGOTTEN/p')
    [ "$state" = FORGOTTEN ] && state=$(sacct --noheader --allocations --jobs="$job" --format=State 2>/dev/null | tr -d ' +')
    [ "$state" = "" ] && ! scontrol ping >/dev/null 2>&1 && state=UNKNOWN # no answer from the controller: Snakemake queries again
fi

case $state in
    COMPLETED) echo success ;;
    PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED | REQUEUED | REQUEUE_* | RESIZING | SIGNALING | STAGE_OUT | UNKNOWN) echo running ;;
    *) echo failed ;; # CANCELLED, FAILED, NODE_FAIL, OUT_OF_MEMORY, PREEMPTED, TIMEOUT, ... or an unknown job
esac
