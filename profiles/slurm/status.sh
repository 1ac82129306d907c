#!/bin/sh
# Says of the Slurm job numbered $1 whether it is `running` (or waiting to), a `success` or `failed`.
#
# Snakemake asks about one job at a time. Slurm is asked about all of the user's jobs at once and at most every 2
# seconds, however many there are: its answer is kept in a file that the next questions read.
job=${1%%;*} # sbatch adds the name of the cluster where there are several
known=.snakemake/slurm-jobs

{
    flock 9
    age=$(($(date +%s) - $(stat -c %Y "$known" 2>/dev/null || echo 0)))
    if [ "$age" -ge 2 ]; then
        # a controller that does not answer leaves what was known
        squeue --noheader --states=all --user="$(id -un)" --format="%i %T" >"$known.new" 2>/dev/null &&
            mv "$known.new" "$known" || touch "$known"
    fi
    state=$(sed -n "s/^$job //p" "$known")
} 9>"$known.lock"

if [ -z "$state" ]; then # submitted since, or ended so long ago that only the accounts know, where there are any
    state=$(LC_ALL=C scontrol --oneliner show job "$job" 2>&1 | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p; /Invalid job id/s/.*/FORGOTTEN/p')
    [ "$state" = FORGOTTEN ] && state=$(sacct --noheader --allocations --jobs="$job" --format=State 2>/dev/null | tr -d ' +')
    [ "$state" = "" ] && ! scontrol ping >/dev/null 2>&1 && state=UNKNOWN # nobody answers: ask again
fi

case $state in
    COMPLETED) echo success ;;
    PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED | REQUEUED | REQUEUE_* | RESIZING | SIGNALING | STAGE_OUT | UNKNOWN) echo running ;;
    *) echo failed ;; # CANCELLED, FAILED, NODE_FAIL, OUT_OF_MEMORY, PREEMPTED, TIMEOUT, ... and what nobody remembers
esac
