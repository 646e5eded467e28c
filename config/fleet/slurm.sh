#!/bin/bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# Label with a Ray cluster of Slurm nodes: sbatch slurm.sh /shared/night /shared/labels
#SBATCH --job-name=segformer-label
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail

inputs=$1
out=$2
port=6379
threads=2
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address | awk '{print $1}')

# All nodes of the job share one token; others cannot use the cluster.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN

srun --nodes=1 --ntasks=1 -w "$head" \
    ray start --head --node-ip-address="$address" --port="$port" --include-dashboard=false \
    --num-cpus="$SLURM_CPUS_PER_TASK" --block &
for node in "${nodes[@]:1}"; do
    srun --nodes=1 --ntasks=1 -w "$node" \
        ray start --address="$address:$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
done

# A job that was requeued continues: what is done is not computed again.
srun --overlap --nodes=1 --ntasks=1 -w "$head" \
    segformer label "$inputs" --out "$out" --address "$address:$port" --threads "$threads"
