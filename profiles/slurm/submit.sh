#!/bin/sh
# Submit a job script of Snakemake to Slurm, and print the job's number: submit.sh THREADS SCRIPT
#
# Snakemake writes the resources of the job and the number of the attempt into the script. This script reads them there: with
# resources in the submit command, a rule that lacks one, for example after --default-resources, would fail to submit.
property() { # print the last value of a resource, a number or a text
    sed -n "s/^# properties = .*\"$1\": \(\"[^\"]*\"\|[0-9]*\).*/\1/p" "$2" | tr -d '"'
}

attempt=$(grep -o -m 1 -e '--attempt [0-9]*' "$2" | grep -o '[0-9]*$')
memory=$(property mem_mb "$2") # MB
minutes=$(property runtime "$2")
mkdir -p .snakemake/slurm

# --requeue: after a node failure, Slurm runs the job on another node, and Snakemake counts no attempt.
# %N is the first node, %j the job's number. The resource `sbatch` is unquoted, since it may hold several options.
exec sbatch --parsable --requeue --job-name=sgd-valleys --output=.snakemake/slurm/%j-%N.log \
    --ntasks=1 --cpus-per-task="$1" \
    ${memory:+--mem=$((memory * ${attempt:-1}))} ${minutes:+--time=$((minutes * ${attempt:-1}))} \
    $(property sbatch "$2") "$2"
