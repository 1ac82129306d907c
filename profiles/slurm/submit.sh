#!/bin/sh
# Submits a script of Snakemake's to Slurm, and prints the number of its job: submit.sh THREADS SCRIPT
#
# Snakemake writes the resources of the job and the number of the attempt into the script. They are read there, since
# a resource that a rule lacks, for example after --default-resources, would make the submission fail.
property() { # prints the last value of that name, a number or a text
    sed -n "s/^# properties = .*\"$1\": \(\"[^\"]*\"\|[0-9]*\).*/\1/p" "$2" | tr -d '"'
}

attempt=$(grep -o -m 1 -e '--attempt [0-9]*' "$2" | grep -o '[0-9]*$')
memory=$(property mem_mb "$2") # MB
minutes=$(property runtime "$2")
mkdir -p .snakemake/slurm

# --requeue: where a node dies, Slurm runs the job on another one, and no attempt is spent
# %N is the first node, %j the job's number; the options of the resource sbatch are several words
exec sbatch --parsable --requeue --job-name=sgd-valleys --output=.snakemake/slurm/%j-%N.log \
    --ntasks=1 --cpus-per-task="$1" \
    ${memory:+--mem=$((memory * ${attempt:-1}))} ${minutes:+--time=$((minutes * ${attempt:-1}))} \
    $(property sbatch "$2") "$2"
